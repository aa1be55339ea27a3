/*
 * An ill-willed client as a process of a benchmark: holds connections, idle ones and slow ones.
 */
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { answerParent } from '../measure/answer-parent.ts'
import type { Burden, BurdenCounts } from './burden-program.ts'

/** How a connection is used, once it is open. @returns what is done every second */
type Use = (socket: Socket) => (() => void) | undefined

const EVERY_MS = 1_000
const REOPEN_MS = 250
/** Opened at a time, so that the queue of connections to be accepted does not overflow. */
const BATCH = 100

const open = new Set<Socket>()
let ended = 0
let release = new AbortController()

const unused: Use = () => undefined

const keptAlive: Use = socket => {
  socket.write('GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n')
  socket.resume()
  return undefined
}

const slowHeader: Use = socket => {
  socket.write('GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  return () => socket.write('x')
}

const slowBody: Use = socket => {
  const head =
    'POST /api/v1/content HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000'
  socket.write(`${head}\r\n\r\n{"`)
  return () => socket.write('x')
}

function slowReader(path: string): Use {
  return socket => {
    socket.pause()
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    return () => socket.read(1)
  }
}

async function hold(port: number, use: Use, signal: AbortSignal): Promise<void> {
  const socket = createConnection(port, '127.0.0.1')
  const closed = once(socket, 'close').catch(() => {})
  socket.on('error', () => {})
  await Promise.race([once(socket, 'connect').catch(() => {}), closed])
  if (signal.aborted) return void socket.destroy()
  if (!socket.destroyed) {
    open.add(socket)
    const everySecond = use(socket)
    const timer = everySecond === undefined ? undefined : setInterval(everySecond, EVERY_MS)
    void closed.then(() => {
      clearInterval(timer)
      open.delete(socket)
    })
  }
  void closed.then(async () => {
    if (signal.aborted) return
    ended++
    await wait(REOPEN_MS)
    if (!signal.aborted) await hold(port, use, signal)
  })
}

answerParent({
  async take({ port, idle, slow, blobPath }: Burden): Promise<void> {
    release = new AbortController()
    const slowly = [slowHeader, slowBody, slowReader(blobPath)].flatMap(use => Array.from({ length: slow }, () => use))
    const uses = [...Array.from({ length: idle }, (_, index) => (index % 2 === 0 ? unused : keptAlive)), ...slowly]
    for (let at = 0; at < uses.length; at += BATCH) {
      await Promise.all(uses.slice(at, at + BATCH).map(use => hold(port, use, release.signal)))
    }
  },
  counts: (): BurdenCounts => ({ open: open.size, ended }),
  async release(): Promise<void> {
    release.abort()
    const closing = [...open].map(socket => once(socket, 'close'))
    for (const socket of open) socket.destroy()
    await Promise.all(closing)
  },
})
