import { blockSizeFor } from '../../protocol/block-size.ts'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import { watchMachine } from '../conditions.ts'
import { startLayerSwarm } from '../loopback/layer-swarm.ts'
import { createStoreDirectory } from '../loopback/store-directory.ts'
import { createChildren } from '../measure/children.ts'
import { readCommit } from '../measure/commit.ts'
import { measureRounds } from '../measure/measure-rounds.ts'
import { touchMemory } from '../measure/touch-memory.ts'
import { measureTransfer } from '../transport/measure-transfer.ts'
import type { TransferConfig } from './config.ts'
import { measureDiskLimit } from './disk-limit.ts'
import type { Round, TransferFigures } from './figures.ts'
import { fetchFrom, startSender } from './peers.ts'

/** A file system in memory. */
const MEMORY = '/dev/shm'
const WARM_UP_BYTES = 128 * 1024 * 1024

interface Options {
  /** Is told what has been done. */
  readonly heard: (what: string) => void
  readonly signal: AbortSignal
}

/**
 * Measures in turn, round after round: a peer that fetches from another with both stores in memory, one whose store is on the
 * disk, our block exchange alone, and the disk alone.
 * @throws DamselflyError CONFIG_INVALID when there is no room, PROGRAM_FAILED when a program fails; Error when content did not
 * come from the peer; the signal's reason
 */
export async function measureTransfers(config: TransferConfig, options: Options): Promise<TransferFigures> {
  const commit = readCommit()
  const conditions = watchMachine()
  const measured = await measureAll(config, options)
  return { ...measured, transportBytes: config.size, commit, conditions: conditions() }
}

async function measureAll({ size, directory, rounds }: TransferConfig, { heard, signal }: Options) {
  // The supernode's copy and a receiver's; the sender's and a receiver's.
  await using disk = await createStoreDirectory(directory, { neededBytes: 2 * size })
  await using memory = await createStoreDirectory(MEMORY, { neededBytes: 2 * size })
  await using children = createChildren({ signal })
  const swarm = await startLayerSwarm(children, disk.path, size)
  const sender = await startSender(children, swarm, memory.path, { signal })
  heard('the sender holds everything')
  const { sizeBytes } = swarm.layer
  const blockSizeBytes = blockSizeFor(sizeBytes)

  const measure = {
    transport: () => measureTransfer('ours', { size, warmUp: Math.min(size, WARM_UP_BYTES) }, { signal }),
    tmpfs: () => fetchFrom(sender, swarm, memory.path, { signal }),
    disk: () => fetchFrom(sender, swarm, disk.path, { signal }),
    async diskLimit() {
      await using scratch = await createScratchDirectory(disk.path)
      await touchMemory(2 * size, { signal })
      return await measureDiskLimit(scratch.path, { sizeBytes, writeBytes: blockSizeBytes }, { signal })
    },
  }
  const measured = await measureRounds<Round>(measure, {
    rounds,
    heard: done => heard(`round ${done} of ${rounds} done`),
  })
  return { rounds: measured, sizeBytes, blockSizeBytes }
}
