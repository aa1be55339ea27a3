import { randomInt } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createRandom, nextBelow, type RandomState } from '../../supernode/scheduler/random.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { KilledNode, type KillMoment } from '../helpers/killed-node.ts'
import { startListeningNeighbour } from '../helpers/listening-neighbour.ts'
import { run } from '../helpers/process.ts'
import { ReportedBlocks } from '../helpers/reported-blocks.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { createSmallDiskIfPossible } from '../helpers/small-disk.ts'

const KILLS = 200
/** Nodes that are killed independently of each other: each is the other's neighbour, and goes away in the middle of it. */
const NODES = 2
const KILLS_PER_DIRECTORY = 4
const BLOB_BYTES = [3_000, 300_000, 2 * 1024 * 1024 + 1, 8 * 1024 * 1024]
const DISK_BYTES = 24 * 1024 * 1024
/** It takes two to three minutes on two processors that have nothing else to do. */
const TIMEOUT_MS = 900_000

/** The same seed kills at the same moments. */
const seed = Number(process.env.DAMSELFLY_KILL_SEED ?? randomInt(2 ** 31))

test(
  `${KILLS} kills: no wrong byte, nothing lost that was reported, every pull completes in the end`,
  async () => {
    process.stdout.write(`kills with DAMSELFLY_KILL_SEED=${seed}\n`)
    await using scratch = await createScratchDirectory()
    await using cluster = await startCluster()
    const eventLog = join(scratch.path, 'events.jsonl')
    const supernode = await cluster.supernode({ eventLog })
    const env = { ...process.env, NODE_COMPILE_CACHE: join(scratch.path, 'compiled') }
    // Node writes the cache when a program ends in order, which none of the others does.
    await run('node', ['dfdaemon/main.ts', '--help'], { env })
    const setting = { cluster, supernode, eventLog, env }
    // Each is waited for, also when another has failed, since it has a disk to give back.
    const runs = await Promise.allSettled(
      Array.from({ length: NODES }, (_, node) => killRepeatedly(setting, KILLS / NODES, createRandom(seed + node))),
    )
    const failed = runs.find(run => run.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    const kinds = runs.flatMap(run => (run.status === 'fulfilled' ? run.value : []))
    expect(kinds).toHaveLength(KILLS)
    expect(new Set(kinds)).toEqual(new Set(['opening', 'pulling', 'writing', 'telling', 'complete']))
  },
  TIMEOUT_MS,
)

interface Setting {
  readonly cluster: TestCluster
  readonly supernode: TestProgram
  readonly eventLog: string
  /** Makes a start take half a second less. */
  readonly env: NodeJS.ProcessEnv
}

/** @returns the kinds of moments at which the node was killed */
async function killRepeatedly(
  { cluster, supernode, eventLog, env }: Setting,
  kills: number,
  random: RandomState,
): Promise<KillMoment['kind'][]> {
  await using disk = await createSmallDiskIfPossible(DISK_BYTES)
  await using neighbour = await startListeningNeighbour()
  const killed: KillMoment['kind'][] = []
  for (let generation = 0; killed.length < kills; generation++) {
    const blobs = await Promise.all(
      BLOB_BYTES.map(sizeBytes => seedBlob(cluster.registry, sizeBytes, { seed: `${generation}/${sizeBytes}` })),
    )
    await neighbour.register(supernode, cluster.registry.url, blobs)
    const checkedFirstBytes = nextBelow(random, 2) === 0 ? '0' : String(32 * 1024 * 1024)
    const dataDir = join(disk.path, `generation-${generation}`)
    const node = new KilledNode(
      { neighbour, reported: new ReportedBlocks(eventLog) },
      {
        dataDir,
        blobs,
        flags: [
          ...['--supernode', supernode.url, '--default-upstream', cluster.registry.host],
          ...['--checked-first-bytes', checkedFirstBytes],
        ],
        env,
      },
    )
    for (let kill = 1; kill <= KILLS_PER_DIRECTORY; kill++) {
      // In its last life but one it gets all that the others have left, in the last it shows what is there.
      const moment = kill === KILLS_PER_DIRECTORY - 1 ? ({ kind: 'complete' } as const) : drawMoment(random)
      await node.liveUntil(moment)
      killed.push(moment.kind)
    }
    await rm(dataDir, { recursive: true })
  }
  return killed
}

function drawMoment(random: RandomState): KillMoment {
  const totalBytes = BLOB_BYTES.reduce((sum, sizeBytes) => sum + sizeBytes)
  const choice = nextBelow(random, 10)
  if (choice < 1) return { kind: 'opening', looks: 1 + nextBelow(random, 20) }
  if (choice < 4) return { kind: 'pulling', bytes: 1 + nextBelow(random, totalBytes) }
  if (choice < 8) return { kind: 'writing', writes: 1 + nextBelow(random, 50) }
  return { kind: 'telling', news: 1 + nextBelow(random, 20) }
}
