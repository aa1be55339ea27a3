/*
 * The origin of the dfget benchmark as a process of its own: node server.ts HOST SIZE FILES. It serves /file of SIZE bytes, whole or in
 * ranges, whatever its query; FILES small files and their index under /small/; and what it has counted under /_counts, which then
 * begins anew. It prints its URL as one line of JSON.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { OriginCounts } from './origin.ts'

const PIECE_BYTES = 256 * 1024
const MIN_SMALL_BYTES = 1024
const SMALL_SPREAD = 8 * 1024

const [, , host = '', size = '0', files = '0'] = process.argv
const sizeBytes = Number(size)
const noise = randomBytes(PIECE_BYTES + 8 * PIECE_BYTES)
const small = new Map<string, Buffer>()
for (let index = 0; index < Number(files); index++) {
  const length = MIN_SMALL_BYTES + ((index * 7919) % SMALL_SPREAD)
  small.set(`${String(index).padStart(6, '0')}.bin`, randomBytes(length))
}
const page = Buffer.from(`<html><body>\n${[...small.keys()].map(name => `<a href="${name}">${name}</a>\n`).join('')}`)
let counts = noCounts()

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.url === '/_counts') {
    response.end(JSON.stringify(counts))
    counts = noCounts()
    return
  }
  counts.firstRequestAt ??= performance.timeOrigin + performance.now()
  counts.requests++
  answer(request, response).catch(() => response.destroy())
})
server.on('connection', () => counts.connections++)
server.listen(0, host, () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ url: `http://${host}:${port}` })}\n`)
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://origin')
  if (pathname === '/file') return sendFile(request, response)
  const name = pathname.replace(/^\/small\//, '')
  const body = name === '' ? page : small.get(name)
  if (body === undefined) return void response.writeHead(404).end()
  const type = name === '' ? 'text/html' : 'application/octet-stream'
  response.writeHead(200, { 'content-type': type, 'content-length': body.length, etag: '"1"' })
  if (request.method === 'HEAD') return void response.end()
  counts.bytes += body.length
  response.end(body)
}

async function sendFile(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  const start = Number(from ?? 0)
  const end = to ? Math.min(Number(to) + 1, sizeBytes) : sizeBytes
  const range = from === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${sizeBytes}` }
  const headers = { 'content-length': end - start, etag: '"1"', 'accept-ranges': 'bytes', ...range }
  response.writeHead(from === undefined ? 200 : 206, headers)
  if (request.method === 'HEAD') return void response.end()
  await pipeline(Readable.from(pieces(start, end)), response)
}

/** Each piece is cut from another place of the noise, so that no two blocks are the same. */
function* pieces(start: number, end: number): Generator<Buffer> {
  for (let position = start; position < end; ) {
    const index = Math.floor(position / PIECE_BYTES)
    const offset = position - index * PIECE_BYTES
    const length = Math.min(PIECE_BYTES - offset, end - position)
    const shift = (index * 40_503) % (8 * PIECE_BYTES)
    counts.bytes += length
    yield noise.subarray(shift + offset, shift + offset + length)
    position += length
  }
}

function noCounts(): { -readonly [Key in keyof OriginCounts]: OriginCounts[Key] } {
  return { requests: 0, bytes: 0, connections: 0, firstRequestAt: null }
}
