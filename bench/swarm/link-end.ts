/*
 * One end of a plain TCP transfer over a link: node link-end.ts receive ADDRESS PORT, which prints "ready" and at the end its rate
 * in bit/s of payload; or node link-end.ts send ADDRESS PORT BYTES.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Not counted: what token buckets let through at once, and the slow start. */
const HEAD_BYTES = 1024 * 1024
const CHUNK = Buffer.alloc(64 * 1024)

const [, , end, host = '', port, bytes] = process.argv
if (end === 'receive') await receive()
else await send()

async function receive(): Promise<void> {
  const server = createServer().listen(Number(port), host)
  await once(server, 'listening')
  process.stdout.write('ready\n')
  const [socket] = (await once(server, 'connection')) as [Socket]
  let received = 0
  let head: { readonly bytes: number; readonly at: number } | undefined
  let lastAt = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received += chunk.length
    lastAt = performance.now()
    if (received > HEAD_BYTES) head ??= { bytes: received, at: lastAt }
  }
  server.close()
  const { bytes = 0, at = 0 } = head ?? {}
  process.stdout.write(`${((received - bytes) * 8 * 1000) / (lastAt - at)}\n`)
}

async function send(): Promise<void> {
  const chunks = Array.from({ length: Math.ceil(Number(bytes) / CHUNK.length) }, () => CHUNK)
  await pipeline(Readable.from(chunks), connect(Number(port), host))
}
