import assert from 'node:assert/strict'
import type { EventEmitter } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

/** How long a server may take to answer and to end a connection whose other end has ended. */
const ANSWER_MS = 10_000

const GOOD = 'GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
/** The good request is sent beside every so many others. */
const GOOD_EVERY = 16

/** What a server did with bytes. */
export interface RawAnswer {
  /** All that came back, each byte a character. */
  readonly text: string
}

/** Raw connections to a server, by a Unix socket: ports would run out. */
export interface RawClient {
  /** Of the socket, for connections that are more than an exchange. */
  readonly path: string
  /** Sends bytes on a connection of their own, and ends it. */
  exchange(bytes: Uint8Array): Promise<RawAnswer>
  close(): Promise<void>
}

/** Connects to a server without a port, as the same sockets that come from one. @param prepare sees each socket first */
export async function startRawClient(
  server: Pick<EventEmitter, 'emit'>,
  directory: string,
  prepare: (socket: Socket) => void = () => {},
): Promise<RawClient> {
  const path = join(directory, 'raw.sock')
  const sockets = new Set<Socket>()
  const front: Server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    prepare(socket)
    server.emit('connection', socket)
  })
  await new Promise<void>(resolve => front.listen(path, resolve))
  return {
    path,
    exchange: bytes => exchange(path, bytes),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => front.close(resolve))
    },
  }
}

function exchange(path: string, bytes: Uint8Array): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect({ path, allowHalfOpen: true })
    const done = (error?: Error): void => {
      clearTimeout(limit)
      socket.destroy()
      if (error === undefined) resolve({ text: Buffer.concat(chunks).toString('latin1') })
      else reject(error)
    }
    const limit = setTimeout(() => done(new Error(`no end after ${ANSWER_MS} ms`)), ANSWER_MS)
    socket.on('data', chunk => chunks.push(chunk))
    socket.once('end', () => done())
    // A connection that the server resets is closed, which is an answer too.
    socket.once('error', () => done())
    socket.end(bytes)
  })
}

/** A turn of a raw target: the input, and now and then a good request beside it, which has to be answered. */
export function createRawTurn(client: RawClient, check: (answer: RawAnswer) => void) {
  let turns = 0
  return async (input: Uint8Array): Promise<void> => {
    const [answer, good] = await Promise.all([
      client.exchange(input),
      turns++ % GOOD_EVERY === 0 ? client.exchange(Buffer.from(GOOD)) : undefined,
    ])
    if (good !== undefined) assert.match(good.text, /^HTTP\/1\.1 200 /, 'a good request beside it')
    check(answer)
  }
}

const HEAD = /^HTTP\/1\.1 (?<status>\d{3}) [^\r\n\0]*\r\n(?<fields>(?:[!#$%&'*+.^_`|~\w-]+: ?[^\r\n\0]*\r\n)*)\r\n/

/** Checks that an answer consists of whole, well-formed responses, none of which says that something here is broken. */
export function checkResponses(text: string): void {
  for (let rest = text; rest !== ''; ) {
    const { 0: head, groups } = HEAD.exec(rest) ?? {}
    assert(head !== undefined, `no response: ${JSON.stringify(rest.slice(0, 200))}`)
    assert(groups?.status !== '500', `broken: ${JSON.stringify(rest.slice(0, 400))}`)
    rest = behindBody(rest.slice(head.length), groups?.fields ?? '', groups?.status ?? '')
  }
}

/** What follows the body. A body without a length ends with the connection; what is cut short is the input's doing. */
function behindBody(text: string, fields: string, status: string): string {
  if (/^1\d\d$|^204$|^304$/.test(status)) return text
  const length = /^content-length: *(\d+)\r$/im.exec(fields)?.[1]
  // The answer to HEAD has a length and no body.
  if (length !== undefined) return text.startsWith('HTTP/1.1 ') ? text : text.slice(Number(length))
  if (!/^transfer-encoding: *chunked\r$/im.test(fields)) return ''
  const end = text.indexOf('0\r\n\r\n')
  return end < 0 ? '' : text.slice(end + 5)
}
