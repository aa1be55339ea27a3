import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { ManifestStore } from '../../../dfdaemon/manifests/manifest-store.ts'
import { BlockIndex } from '../../../lib/blocks/block-index.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { digestOf } from '../../../protocol/digest.ts'
import type { TaskId } from '../../../protocol/task.ts'
import { ImportStore } from '../../../supernode/imports/import-store.ts'
import { createMembership } from '../../../supernode/members/create-membership.ts'
import { SmallContentStore } from '../../../supernode/small/small-content-store.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { CLUSTER } from '../../helpers/membership.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import { asLatin1, refusingLater } from '../engine/expected.ts'
import { mutateJson } from '../engine/structure.ts'
import type { FuzzTarget } from '../engine/target.ts'

const PEER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
const TASK = `sha256:${'0a'.repeat(32)}` as TaskId
const AT = Date.UTC(2026, 0, 1)
const clock = createManualClock(AT)
const logger = silentLogger()

/** A store that reads all of a database when it starts. */
interface Store {
  /** Of the database, in the data directory, and the part of it. */
  readonly place: readonly [name: string, sublevel?: string]
  readonly sample: readonly [key: string, value: unknown]
  /** Starts it, looks at what it has, and stops it. @throws DamselflyError STORE_FAILED where nothing may be lost */
  readonly look: (dataDir: string) => Promise<void>
}

async function lookAtMembership(dataDir: string): Promise<void> {
  const nothing = (): void => {}
  const cluster = createMembership(
    {
      clusterKey: CLUSTER,
      tokens: { spend: async () => 'x' },
      clock,
      logger,
      account: { refused: nothing },
      expel: nothing,
      forbid: async () => {},
      allow: nothing,
    },
    { dataDir, peer: PEER, lifetimeMs: 3_600_000, forgetMs: 86_400_000 },
  )
  await cluster.start()
  for (const { until } of cluster.expulsions.current()) assert(until > AT)
  for (const { at } of cluster.blocklist.list()) new Date(at).toISOString()
  await cluster.membership.revoke(PEER).catch(error => assert.equal(error.code, 'PEER_UNKNOWN'))
  await cluster.stop()
}

const STORES: readonly Store[] = [
  {
    place: ['members'],
    sample: [PEER, { name: 'n1', token: '0a', temporary: false, joinedAt: AT, renewedAt: AT }],
    look: lookAtMembership,
  },
  { place: ['expulsions'], sample: [PEER, AT + 1], look: lookAtMembership },
  { place: ['blocklist'], sample: [TASK, { reason: '', by: 'x', at: AT }], look: lookAtMembership },
  {
    place: ['imports'],
    sample: [TASK, { replicas: 1, importedAt: AT }],
    look: dataDir => lookAtImports(dataDir),
  },
  { place: ['imports-unproven'], sample: [TASK, true], look: dataDir => lookAtImports(dataDir) },
  {
    place: ['small', 'records'],
    sample: [TASK, { sizeBytes: 5, digest: TASK, order: 7 }],
    async look(dataDir) {
      const store = new SmallContentStore({ logger }, { dataDir, maxBytes: 1024 })
      await store.start()
      for (const { taskId } of store.list()) assert.equal(await store.get(taskId), undefined)
      const bytes = Buffer.from('content')
      await store.put(TASK, { bytes, contentType: undefined })
      assert(store.has(TASK))
      await store.stop()
    },
  },
  {
    place: ['manifests', 'about'],
    sample: [TASK, { mediaType: 'a/b', usedAt: AT, sizeBytes: 2 }],
    async look(dataDir) {
      const store = new ManifestStore({ clock, logger }, { dataDir })
      await store.start()
      const manifest = { digest: digestOf(Buffer.from('{}')), mediaType: 'a/b', bytes: Buffer.from('{}') }
      await store.put(manifest)
      assert.equal((await store.get(manifest.digest))?.mediaType, 'a/b')
      await store.resolvedTag('a:b')
      await store.stop()
    },
  },
  {
    place: ['index', 'tasks'],
    sample: [TASK, { blockSizeBytes: 1024, complete: true, usedAt: AT, epoch: 0 }],
    look: lookAtIndex,
  },
  { place: ['index', 'state'], sample: ['epoch', 3], look: lookAtIndex },
]

async function lookAtImports(dataDir: string): Promise<void> {
  const store = new ImportStore({ logger }, { dataDir })
  await store.start()
  for (const { replicas } of store.all().values()) assert(Number.isSafeInteger(replicas))
  for (const task of store.marked()) await store.unmark(task)
  await store.stop()
}

async function lookAtIndex(dataDir: string): Promise<void> {
  const { index, read } = await BlockIndex.open(join(dataDir, 'index'), found => found.tasks(), logger)
  assert(Number.isSafeInteger(index.epoch) && index.epoch >= 0)
  for (const [task, { epoch }] of read) assert(Number.isInteger(epoch) && (await index.task(task)) !== undefined)
  await index.close(true)
}

/** A line each for the store and the key, and then the value. */
const target: FuzzTarget = {
  name: 'record-stores',
  about: 'the databases of data directories with records that are damaged: programs start, or say why not',
  maxBytes: 1024,
  dictionary: ['\n', 'null', '{', '}', PEER, TASK, 'running', 'epoch', '1e999', '"__proto__":'],
  seeds: () => STORES.map(({ sample: [key, value] }, at) => Buffer.from(`${at}\n${key}\n${JSON.stringify(value)}`)),
  mutate: (random, input) => {
    const [store = '', key = '', ...value] = asLatin1(input).split('\n')
    const changed = mutateJson(random, Buffer.from(value.join('\n'), 'latin1'))
    return changed && Buffer.concat([Buffer.from(`${store}\n${key}\n`, 'latin1'), changed])
  },
  async open() {
    const scratch = await createScratchDirectory('/dev/shm')
    return {
      async run(input) {
        const [at = '', key = '', ...value] = asLatin1(input).split('\n')
        const store = STORES[Number(at)]
        if (store === undefined || key === '') return
        const [name, sublevel] = store.place
        const path = join(scratch.path, name)
        const database = new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
        const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
        const part = sublevel === undefined ? database : database.sublevel<Buffer, Buffer>(sublevel, encodings)
        await part.put(Buffer.from(key, 'latin1'), Buffer.from(value.join('\n'), 'latin1'))
        await database.close()
        await refusingLater(['STORE_FAILED'], () => store.look(scratch.path))
        await rm(path, { recursive: true })
      },
      close: () => scratch[Symbol.asyncDispose](),
    }
  },
}

/** Databases, as programs open them. */
export const RECORD_STORE_TARGETS: readonly FuzzTarget[] = [target]
