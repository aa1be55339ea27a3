import { join } from 'node:path'
import { createDaemonClient } from '../../dfdaemon/client/daemon-client.ts'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import { watchMachine } from '../conditions.ts'
import type { RegistryBlob } from '../loopback/blob.ts'
import { checkAllFrom } from '../loopback/check-account.ts'
import { startClient } from '../loopback/client-program.ts'
import { type Registry, startDfdaemon, startRegistry, startSupernode } from '../loopback/programs.ts'
import { waitForPeer } from '../loopback/supernode-state.ts'
import { createChildren } from '../measure/children.ts'
import { readCommit } from '../measure/commit.ts'
import type { SmallFileConfig } from './config.ts'
import type { SmallFileFigures } from './figures.ts'
import { seedBlobs } from './seed-blobs.ts'

const BLOB_BYTES = 1024
/** Pulled before and not counted, so that code is compiled and connections are open. */
const WARM_UP_BLOBS = 10
const WAYS = ['swarm', 'direct'] as const

interface Options {
  /** Is told what has been done. */
  readonly heard: (what: string) => void
  readonly signal: AbortSignal
}

/**
 * Measures pulls of small blobs, each of them through a dfdaemon and straight from the registry, in turn.
 * @throws DamselflyError PROGRAM_FAILED when a program fails, CONTENT_CORRUPT; Error when a blob did not come from the supernode;
 * the signal's reason
 */
export async function measureSmallFiles(config: SmallFileConfig, options: Options): Promise<SmallFileFigures> {
  const commit = readCommit()
  const conditions = watchMachine()
  const measured = await measureAll(config, options)
  return { ...measured, sizeBytes: BLOB_BYTES, commit, conditions: conditions() }
}

async function measureAll({ blobs: count }: SmallFileConfig, { heard, signal }: Options) {
  await using scratch = await createScratchDirectory()
  await using children = createChildren({ signal })
  const client = await startClient(children)
  const programs = [startRegistry(children), startSupernode(children, join(scratch.path, 'supernode'))] as const
  const [registry, supernodeUrl] = await Promise.all(programs)
  const init = { label: 'the dfdaemon', directory: join(scratch.path, 'dfdaemon'), supernodeUrl }
  const dfdaemon = await startDfdaemon(children, init, registry)
  await waitForPeer(supernodeUrl, dfdaemon.peerId, { signal })
  const blobs = await putBlobs(registry, WARM_UP_BLOBS + count)
  await seedBlobs(supernodeUrl, registry, blobs, { signal })
  heard('the supernode holds all blobs')

  const urls = { swarm: dfdaemon.url, direct: registry.url }
  const times: Record<(typeof WAYS)[number], number[]> = { swarm: [], direct: [] }
  for (const [index, blob] of blobs.entries()) {
    for (const way of index % 2 === 0 ? WAYS : WAYS.toReversed()) {
      times[way].push((await client.get(urls[way], blob)).elapsedMs)
    }
  }
  for (const blob of blobs) await client.check(dfdaemon.url, blob)
  for (const { account } of await createDaemonClient(dfdaemon.url).tasks({ signal })) {
    checkAllFrom('supernode', account, BLOB_BYTES)
  }
  const [firstMs = Number.NaN] = times.swarm
  return { swarm: times.swarm.slice(WARM_UP_BLOBS), direct: times.direct.slice(WARM_UP_BLOBS), firstMs }
}

async function putBlobs(registry: Registry, count: number): Promise<RegistryBlob[]> {
  const blobs: RegistryBlob[] = []
  while (blobs.length < count) blobs.push(await registry.blob(BLOB_BYTES))
  return blobs
}
