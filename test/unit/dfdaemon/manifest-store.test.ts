import { readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { queryObjects } from 'node:v8'
import { Level } from 'level'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManifestStore } from '../../../dfdaemon/manifests/manifest-store.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { digestOf } from '../../../protocol/digest.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { OCI_MANIFEST } from '../../helpers/registry-mock.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../helpers/scratch-directory.ts'

const BYTES = Buffer.from('{ "schemaVersion": 2 }\n')
const MANIFEST = { digest: digestOf(BYTES), mediaType: OCI_MANIFEST, bytes: BYTES }
const OTHER = Buffer.from('{}')

let scratch: ScratchDirectory
let store: ManifestStore
const clock = createManualClock()

beforeEach(async () => {
  scratch = await createScratchDirectory()
  store = new ManifestStore({ clock, logger: silentLogger() }, { dataDir: scratch.path })
  await store.start()
})

afterEach(async () => {
  await store.stop()
  await scratch[Symbol.asyncDispose]()
})

async function bytesKept(): Promise<Buffer | undefined> {
  const kept = await store.get(MANIFEST.digest)
  return kept === undefined ? undefined : Buffer.from(kept.bytes)
}

test('keeps a manifest and what a tag was, also after a restart', async () => {
  expect(await bytesKept()).toBeUndefined()
  await store.put(MANIFEST)
  await store.putTag('ghcr.io/a:1', MANIFEST.digest)
  const resolvedAt = clock.wallTime()
  await store.stop()
  store = new ManifestStore({ clock, logger: silentLogger() }, { dataDir: scratch.path })
  await store.start()
  expect(await bytesKept()).toEqual(BYTES)
  expect(await store.get(MANIFEST.digest)).toMatchObject({ digest: MANIFEST.digest, mediaType: OCI_MANIFEST })
  expect(await store.resolvedTag('ghcr.io/a:1')).toEqual({ digest: MANIFEST.digest, resolvedAt })
  expect(await store.resolvedTag('ghcr.io/a:2')).toBeUndefined()
})

test('holds on to nothing for each use', async () => {
  const other = new Level(join(scratch.path, 'other'))
  const Sublevel = other.sublevel('any').constructor
  await other.close()
  await store.put(MANIFEST)
  const before = queryObjects(Sublevel, { format: 'count' })
  for (let use = 0; use < 100; use++) {
    await store.put(MANIFEST)
    await store.putTag(`ghcr.io/a:${use}`, MANIFEST.digest)
    await store.get(MANIFEST.digest)
    await store.resolvedTag(`ghcr.io/a:${use}`)
  }
  expect(queryObjects(Sublevel, { format: 'count' })).toBe(before)
})

test('refuses bytes with another digest and keeps nothing of them', async () => {
  await expect(store.put({ ...MANIFEST, bytes: OTHER })).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' })
  expect(await bytesKept()).toBeUndefined()
})

test('drops bytes that were damaged on disk', async () => {
  await store.put(MANIFEST)
  await store.stop()
  const db = new Level<string, unknown>(join(scratch.path, 'manifests'))
  await db.sublevel<string, Uint8Array>('bytes', { valueEncoding: 'view' }).put(MANIFEST.digest, OTHER)
  await db.close()
  await store.start()
  expect(await bytesKept()).toBeUndefined()
  await store.put(MANIFEST)
  expect(await bytesKept()).toEqual(BYTES)
})

test('answers nothing while it is stopped', async () => {
  await store.stop()
  await expect(store.get(MANIFEST.digest)).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

test.each(['CURRENT', 'MANIFEST', '0'])('starts without manifests when %s of the database is damaged', async prefix => {
  await store.put(MANIFEST)
  await store.stop()
  const directory = join(scratch.path, 'manifests')
  const names = (await readdir(directory)).filter(name => name.startsWith(prefix))
  expect(names).not.toEqual([])
  for (const name of names) await writeFile(join(directory, name), 'garbage'.repeat(100))
  await store.start()
  expect(await bytesKept()).toBeUndefined()
  await store.put(MANIFEST)
  expect(await bytesKept()).toEqual(BYTES)
})

test('starts without manifests when a table of the database is damaged', async () => {
  await store.put(MANIFEST)
  // What the log holds becomes a table at the next start.
  await store.stop()
  await store.start()
  await store.stop()
  const directory = join(scratch.path, 'manifests')
  const tables = (await readdir(directory)).filter(name => name.endsWith('.ldb'))
  expect(tables).toHaveLength(1)
  for (const name of tables) await truncate(join(directory, name), 10)
  await store.start()
  expect(await bytesKept()).toBeUndefined()
})

test('says what to do when another process has the database open', async () => {
  const second = new ManifestStore({ clock, logger: silentLogger() }, { dataDir: scratch.path })
  await expect(second.start()).rejects.toMatchObject({
    code: 'STORE_FAILED',
    detail: expect.stringMatching(/another process uses this data directory/),
  })
})

test.each(['null', '{"mediaType":', '{"mediaType":1,"usedAt":1,"sizeBytes":1}'])(
  'a record that is %s is as good as none',
  async text => {
    await store.put(MANIFEST)
    await store.putTag('ghcr.io/a:1', MANIFEST.digest)
    await store.stop()
    const db = new Level(join(scratch.path, 'manifests'))
    await db.sublevel('about').put(MANIFEST.digest, text)
    await db.sublevel('tags').put('ghcr.io/a:1', text)
    await db.close()
    await store.start()
    expect(await bytesKept()).toBeUndefined()
    expect(await store.resolvedTag('ghcr.io/a:1')).toBeUndefined()
    await store.put(MANIFEST)
    expect(await bytesKept()).toEqual(BYTES)
  },
)
