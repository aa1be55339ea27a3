import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { type Digest, digestOf } from '../../../protocol/digest.ts'
import { type ImageContent, pullImage } from '../../../trial/pull-client.ts'
import { startHttpServer } from '../../helpers/http-server.ts'
import { digestOfText } from '../../helpers/trial-fixture.ts'
import { waitFor } from '../../helpers/wait.ts'

const config = Buffer.from('{"a":"config"}')
const layers = ['one', 'two', 'three', 'four', 'five'].map(text => Buffer.from(text.repeat(10_000)))
const manifest = manifestOf(layers)

test('an image is pulled whole, each blob once, three at a time', async () => {
  const waiting: (() => void)[] = []
  let most = 0
  const mirror = await startMirror({
    async blob(digest, response) {
      await new Promise<void>(resolve => waiting.push(resolve))
      response.end(blobOf(digest))
    },
  })
  const seen = listener()
  const pull = pullImage(mirror.init, seen, { signal: new AbortController().signal })
  for (let blob = 0; blob < layers.length + 1; blob++) {
    await waitFor(() => waiting.length === Math.min(3, layers.length + 1 - blob), { timeoutMs: 5_000 })
    most = Math.max(most, waiting.length)
    waiting.shift()?.()
  }
  const image = await pull
  expect(most).toBe(3)
  expect(image.manifestDigest).toBe(digestOf(manifest))
  expect(image.imageBytes).toBe(sizeOf([config, ...layers]))
  expect(seen.receivedBytes).toBe(image.imageBytes)
  expect(seen.digests.toSorted()).toEqual([config, ...layers].map(bytes => digestOf(bytes)).toSorted())
  expect(mirror.server.requests).toHaveLength(1 + 1 + layers.length)
  await waitFor(() => mirror.server.sockets.size === 0, { timeoutMs: 5_000, what: 'the connections to be closed' })
})

test('a layer that the manifest names twice is pulled once', async () => {
  const [layer = Buffer.alloc(0)] = layers
  const mirror = await startMirror({ manifest: manifestOf([layer, layer]) })
  const image = await pullImage(mirror.init, listener(), { signal: new AbortController().signal })
  expect(image.layers).toHaveLength(1)
  expect(image.imageBytes).toBe(sizeOf([config, layer]))
})

test('an index leads to the manifest for this machine', async () => {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const index = Buffer.from(
    JSON.stringify({ manifests: [{ digest: digestOf(manifest), platform: { os: 'linux', architecture } }] }),
  )
  const mirror = await startMirror({ byReference: { v1: index, [digestOf(manifest)]: manifest } })
  const image = await pullImage(mirror.init, listener(), { signal: new AbortController().signal })
  expect(image.manifestDigest).toBe(digestOf(manifest))
})

test.each<[string, (digest: Digest) => Buffer]>([
  ['flipped', digest => Buffer.from(blobOf(digest).map((byte, index) => (index === 7 ? byte ^ 1 : byte)))],
  ['missing', digest => blobOf(digest).subarray(1)],
  ['added', digest => Buffer.concat([blobOf(digest), Buffer.from('x')])],
])('a byte that is %s in a layer fails the pull', async (_, tamper) => {
  const last = digestOf(layers.at(-1) ?? Buffer.alloc(0))
  const mirror = await startMirror({
    blob: (digest, response) => void response.end(digest === last ? tamper(digest) : blobOf(digest)),
  })
  const seen = listener()
  await expect(pullImage(mirror.init, seen, { signal: new AbortController().signal })).rejects.toMatchObject({
    code: 'CONTENT_CORRUPT',
  })
  expect(seen.digests).not.toContain(last)
})

test('a manifest that does not match the digest announced with it fails the pull', async () => {
  const mirror = await startMirror({ announced: digestOfText('another') })
  await expect(pullImage(mirror.init, listener(), { signal: new AbortController().signal })).rejects.toMatchObject({
    code: 'CONTENT_CORRUPT',
  })
})

test('what the mirror refuses fails the pull under the code that the mirror gave', async () => {
  const mirror = await startMirror({
    blob(_, response) {
      response.writeHead(404).end('{"errors":[{"code":"BLOB_UNKNOWN","message":"m","detail":"not there"}]}')
    },
  })
  const pull = pullImage(mirror.init, listener(), { signal: new AbortController().signal })
  await expect(pull).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
  await expect(pull).rejects.toThrow('status 404: not there')
})

test('a mirror that hangs up fails the pull', async () => {
  const mirror = await startMirror({ blob: (_, response) => void response.destroy() })
  await expect(pullImage(mirror.init, listener(), { signal: new AbortController().signal })).rejects.toMatchObject({
    code: 'DAEMON_UNREACHABLE',
  })
})

test('a pull that is called off ends at once and closes its connections', async () => {
  const mirror = await startMirror({ blob: () => new Promise(() => {}) })
  const controller = new AbortController()
  const pull = pullImage(mirror.init, listener(), { signal: controller.signal })
  await waitFor(() => mirror.server.requests.length === 4, { timeoutMs: 5_000 })
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(pull).rejects.toBe(reason)
  await waitFor(() => mirror.server.sockets.size === 0, { timeoutMs: 5_000, what: 'the connections to be closed' })
  expect(mirror.server.requests).toHaveLength(4)
})

interface MirrorInit {
  readonly manifest?: Buffer
  readonly byReference?: Record<string, Buffer>
  readonly announced?: Digest
  readonly blob?: (digest: Digest, response: ServerResponse) => unknown
}

/** A mirror that holds one image under the tag `v1`, for the running test. */
async function startMirror({ manifest: document = manifest, byReference, announced, blob }: MirrorInit) {
  const server = await startHttpServer((request: IncomingMessage, response) => {
    const [, kind, reference = ''] = /^\/v2\/library\/demo\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? []
    if (kind === 'blobs') return (blob ?? ((digest, to) => to.end(blobOf(digest))))(reference as Digest, response)
    const bytes = byReference === undefined ? document : byReference[reference]
    if (bytes === undefined) return response.writeHead(404).end()
    return response.setHeader('docker-content-digest', announced ?? digestOf(bytes)).end(bytes)
  })
  onTestFinished(() => server.close())
  return { server, init: { mirrorUrl: server.url, repository: 'library/demo', reference: 'v1' } }
}

function listener() {
  return {
    image: undefined as ImageContent | undefined,
    receivedBytes: 0,
    digests: [] as string[],
    planned(image: ImageContent) {
      this.image = image
    },
    received(bytes: number) {
      this.receivedBytes += bytes
    },
    verified(digest: string) {
      this.digests.push(digest)
    },
  }
}

function manifestOf(blobs: readonly Buffer[]): Buffer {
  const descriptor = (bytes: Buffer) => ({ digest: digestOf(bytes), size: bytes.length })
  return Buffer.from(JSON.stringify({ config: descriptor(config), layers: blobs.map(descriptor) }))
}

function blobOf(digest: Digest): Buffer {
  return [config, ...layers].find(bytes => digestOf(bytes) === digest) ?? Buffer.alloc(0)
}

function sizeOf(blobs: readonly Buffer[]): number {
  return blobs.reduce((sum, { length }) => sum + length, 0)
}
