import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { digestOf } from '../../../protocol/digest.ts'
import type { Break } from '../../chaos/load/client-words.ts'
import { Ingest, ResetError } from '../../chaos/load/ingest.ts'
import { Movement } from '../../chaos/load/movement.ts'
import { seededBytes } from '../../helpers/blob.ts'

const BYTES = Buffer.from(seededBytes(9 * 1024 * 1024))
const BLOB = { digest: digestOf(BYTES), sizeBytes: BYTES.length }

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function startHost(handler: Handler): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const serve: Handler = ({ headers }, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': BYTES.length - start }).end(BYTES.subarray(start))
}

/** Promises all and sends a part. */
const cutBy = (way: 'fin' | 'rst'): Handler => {
  return ({ headers }, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': BYTES.length - start })
    const end = () => (way === 'fin' ? response.socket?.end() : response.socket?.resetAndDestroy())
    response.write(BYTES.subarray(start, start + 5_000_000), () => setImmediate(end))
  }
}

async function fetched(mirror: Handler | undefined, { inPieces = false, registry = serve } = {}) {
  const fallbacks: Break[] = []
  const dispatcher = new Agent()
  onTestFinished(() => dispatcher.destroy())
  const mirrorUrl = mirror === undefined ? 'http://127.0.0.1:1' : await startHost(mirror)
  const hosts = { mirrorUrl, registryUrl: await startHost(registry) }
  const movement = new Movement(() => performance.now())
  const ingest = new Ingest('a/b', BLOB, { inPieces })
  const options = { dispatcher, movement, fallbacks, signal: AbortSignal.timeout(20_000) }
  const result = await ingest.fetch(hosts, 3, options).catch((error: Error) => error)
  return { ingest, fallbacks, result }
}

test.each([false, true])('a blob comes from the mirror (in pieces: %s)', async inPieces => {
  const { ingest, fallbacks } = await fetched(serve, { inPieces })
  expect(ingest.right).toBe(true)
  expect(fallbacks).toEqual([])
})

test('it comes from the registry when nobody listens at the mirror', async () => {
  const { ingest, fallbacks } = await fetched(undefined)
  expect(ingest.right).toBe(true)
  expect(fallbacks).toMatchObject([{ what: expect.stringContaining('ECONNREFUSED') }])
})

test('it comes from the registry when the mirror answers with an error', async () => {
  const { ingest, fallbacks } = await fetched((_, response) => response.writeHead(500).end())
  expect(ingest.right).toBe(true)
  expect(fallbacks).toHaveLength(1)
})

test('an answer that ends in good order, too early, is gone on with behind its end', async () => {
  const { ingest, result } = await fetched(cutBy('fin'))
  expect(result).toBeUndefined()
  expect(ingest.right).toBe(true)
})

test('a reset ends the attempt', async () => {
  const { result } = await fetched(cutBy('rst'))
  expect(result).toBeInstanceOf(ResetError)
})

test('three answers without a byte end the pull', async () => {
  const { result } = await fetched((_, response) => {
    response.writeHead(200, { 'content-length': BYTES.length }).flushHeaders()
    setImmediate(() => response.socket?.end())
  })
  expect(result).toBeInstanceOf(Error)
  expect(result).not.toBeInstanceOf(ResetError)
})

test('other bytes than the digest says are noticed', async () => {
  const { ingest, result } = await fetched((_, response) => void response.end(Buffer.alloc(BYTES.length)))
  expect(result).toBeUndefined()
  expect(ingest.right).toBe(false)
})
