import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createPeer, type PeerOptions } from '../../dfget/index.ts'
import { contentHandler, serveForTest } from '../helpers/dfget-user.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

const CONTENT = Buffer.alloc(100_000, 'content of a library test ')
const DIGEST = `sha256:${createHash('sha256').update(CONTENT).digest('hex')}`

async function peerDirectories(): Promise<string[]> {
  return (await readdir(tmpdir())).filter(name => name.startsWith('damselfly-peer-'))
}

test('content is read while it arrives, with the headers that were given, and again from the store', async () => {
  const server = await serveForTest(contentHandler(CONTENT))
  await using scratch = await createScratchDirectory()
  await using peer = await createPeer({ dataDir: scratch.path })
  await peer.start()
  const content = await peer.open(`${server.url}/a`, { digest: DIGEST, headers: { 'X-Token': 'one' } })
  expect(content).toMatchObject({ sizeBytes: CONTENT.length, contentType: undefined })
  expect(CONTENT.equals(await buffer(content.read()))).toBe(true)
  expect(content.account).toMatchObject({ originBytes: CONTENT.length, peerBytes: 0 })
  expect(server.requests.map(({ headers }) => headers['x-token'])).toEqual(['one'])
  const again = await peer.open(`${server.url}/a`, { digest: DIGEST })
  expect(CONTENT.subarray(10, 20).equals(await buffer(again.read({ start: 10, end: 20 })))).toBe(true)
  expect(server.requests).toHaveLength(1)
})

test('a file is downloaded to a directory; one that exists stays unless it may be replaced', async () => {
  const server = await serveForTest(contentHandler(CONTENT))
  await using scratch = await createScratchDirectory()
  await using peer = await createPeer()
  await peer.start()
  const path = join(scratch.path, 'name.bin')
  const result = await peer.download(`${server.url}/name.bin`, `${scratch.path}/`)
  expect(result).toMatchObject({ path, sizeBytes: CONTENT.length, digest: DIGEST })
  expect(CONTENT.equals(await readFile(path))).toBe(true)
  await expect(peer.download(`${server.url}/name.bin`, path)).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
  await peer.download(`${server.url}/name.bin`, path, { overwrite: true })
  expect(await readdir(scratch.path)).toEqual(['name.bin'])
})

test('wrong content, wrong arguments and an abort are errors with a code, and leave no file', async () => {
  const server = await serveForTest(contentHandler(CONTENT))
  await using scratch = await createScratchDirectory()
  await using peer = await createPeer()
  await peer.start()
  const wrong = { digest: `sha256:${'0'.repeat(64)}` }
  const path = join(scratch.path, 'file')
  await expect(peer.download(`${server.url}/a`, path, wrong)).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' })
  await expect(peer.open('file:///etc/hosts')).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  await expect(peer.open(`${server.url}/a`, { digest: 'md5:0' })).rejects.toMatchObject({ code: 'DIGEST_INVALID' })
  const reason = new Error('enough')
  await expect(peer.download(`${server.url}/a`, path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(await readdir(scratch.path)).toEqual([])
})

test('a peer without a directory of its own leaves none behind', async () => {
  const before = await peerDirectories()
  const peer = await createPeer()
  await peer.start()
  expect(peer.addresses()).toEqual([expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+/)])
  await peer.stop()
  await peer.stop()
  expect(await peerDirectories()).toEqual(before)
})

test.each([
  [{ supernode: 'supernode:8002' }, /^the configuration is invalid: supernode must match/],
  [{ listen: ['127.0.0.1:0'] }, /^the configuration is invalid: p2p\.listen\.0 must match/],
  [{ timeoutMs: 0 }, /^the configuration is invalid: timeout must be > 0/],
] satisfies [PeerOptions, RegExp][])('%j is refused', async (options, message) => {
  await expect(createPeer(options)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message })
})
