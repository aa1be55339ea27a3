import { watchMachine } from '../conditions.ts'
import { startClient } from '../loopback/client-program.ts'
import { startLayerSwarm } from '../loopback/layer-swarm.ts'
import { createStoreDirectory } from '../loopback/store-directory.ts'
import { createChildren } from '../measure/children.ts'
import { readCommit } from '../measure/commit.ts'
import { measureRounds } from '../measure/measure-rounds.ts'
import { measureTransfer } from '../transport/measure-transfer.ts'
import type { LastHopConfig } from './config.ts'
import type { LastHopFigures, Round } from './figures.ts'
import { pullThrough, startHolder } from './nodes.ts'

const WARM_UP_BYTES = 128 * 1024 * 1024

interface Options {
  /** Is told what has been done. */
  readonly heard: (what: string) => void
  readonly signal: AbortSignal
}

/**
 * Measures in turn, round after round: pulls of a layer through a dfdaemon that has just been started, and our block exchange
 * alone.
 * @throws DamselflyError CONFIG_INVALID when there is no room, PROGRAM_FAILED when a program fails, CONTENT_CORRUPT; Error when
 * the layer did not come from the node that holds it; the signal's reason
 */
export async function measureLastHop(config: LastHopConfig, options: Options): Promise<LastHopFigures> {
  const commit = readCommit()
  const conditions = watchMachine()
  const measured = await measureAll(config, options)
  return { ...measured, transportBytes: config.size, commit, conditions: conditions() }
}

async function measureAll({ size, directory, rounds }: LastHopConfig, { heard, signal }: Options) {
  // Copies of the supernode, of the node that holds the layer, and of the node that pulls it.
  await using store = await createStoreDirectory(directory, { neededBytes: 3 * size })
  await using children = createChildren({ signal })
  const client = await startClient(children)
  const swarm = await startLayerSwarm(children, store.path, size)
  const bench = { swarm, client, directory: store.path }
  await startHolder(children, bench, { signal })
  heard('another node holds the layer')
  const measure = {
    transport: () => measureTransfer('ours', { size, warmUp: Math.min(size, WARM_UP_BYTES) }, { signal }),
    pulls: () => pullThrough(bench, { signal }),
  }
  const measured = await measureRounds<Round>(measure, {
    rounds,
    heard: done => heard(`round ${done} of ${rounds} done`),
  })
  return { rounds: measured, sizeBytes: swarm.layer.sizeBytes }
}
