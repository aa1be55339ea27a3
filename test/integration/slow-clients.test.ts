import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createConnection, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { type TestGuard, type TestGuardInit, testGuard } from '../helpers/connection-guard.ts'
import { createManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait.ts'

interface GuardedServer {
  readonly guard: TestGuard
  readonly server: Server
  /** By all its connections. */
  receivedBytes(): number
  connect(): Promise<Socket>
  /** A connection on which a request has been answered. */
  used(): Promise<Socket>
}

/** A server that answers `/wait` when it is told to, and all else once it has the body. */
async function startServer(init: TestGuardInit, release: Promise<void> = Promise.resolve()): Promise<GuardedServer> {
  const guard = testGuard(init)
  const server = createServer({ ...guard.serverOptions, requestTimeout: 0 }, async (request, response) => {
    if (request.url === '/wait') await release
    request.resume().once('end', () => response.end('answer'))
  })
  guard.watch(server)
  const sockets: Socket[] = []
  server.on('connection', socket => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  async function connect(): Promise<Socket> {
    const socket = createConnection(port, '127.0.0.1')
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  return {
    guard,
    server,
    receivedBytes: () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    connect,
    async used() {
      const socket = await connect()
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(socket, 'data')
      socket.resume()
      return socket
    },
  }
}

const waitForCounts = (guard: TestGuard, expected: ReturnType<TestGuard['counts']>) =>
  waitFor(() => JSON.stringify(guard.counts()) === JSON.stringify(expected), {
    timeoutMs: 10_000,
    what: 'these states',
  })

test('a client that does not finish its headers is told so and cut off', async () => {
  const { guard, connect } = await startServer({ headersSeconds: 0.1 })
  const socket = await connect()
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 /)
  expect(guard.ended).toEqual(['slow-headers'])
})

test('a client that sends nothing at all is cut off too', async () => {
  const { guard, connect } = await startServer({ headersSeconds: 0.1 })
  await text(await connect())
  expect(guard.ended).toEqual(['slow-headers'])
})

test('headers that are too long or no HTTP are refused', async () => {
  const { guard, connect } = await startServer({})
  const long = await connect()
  long.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(17_000)}`)
  expect(await text(long)).toMatch(/^HTTP\/1\.1 431 /)
  const other = await connect()
  other.write('\u0016\u0003\u0001 hello\r\n\r\n')
  expect(await text(other)).toMatch(/^HTTP\/1\.1 400 /)
  expect(guard.ended).toEqual(['malformed', 'malformed'])
})

test('a body that comes too slowly ends its request, and one at the least rate does not', async () => {
  const clock = createManualClock()
  const { guard, connect, receivedBytes } = await startServer({ clock, minBodyRate: 10 })
  const [slow, fast] = [await connect(), await connect()]
  for (const socket of [slow, fast]) socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 150\r\n\r\n')
  await waitForCounts(guard, { new: 0, idle: 0, busy: 2 })
  slow.write('x'.repeat(99))
  fast.write('x'.repeat(100))
  const sentBytes = slow.bytesWritten + fast.bytesWritten
  await waitFor(() => receivedBytes() === sentBytes, { timeoutMs: 10_000, what: 'all that was sent' })
  clock.advance(10_000)
  expect(await text(slow)).toMatch(/^HTTP\/1\.1 408 /)
  expect(guard.ended).toEqual(['slow-body'])
  fast.write('x'.repeat(50))
  expect(`${(await once(fast, 'data'))[0]}`).toMatch(/^HTTP\/1\.1 200 /)
})

test('beyond the limit unused connections end, then idle ones; one that waits for its answer never does', async () => {
  const release = Promise.withResolvers<void>()
  const { guard, connect, used } = await startServer({ max: 3 }, release.promise)
  const waiting = await connect()
  waiting.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n')
  await waitForCounts(guard, { new: 0, idle: 0, busy: 1 })
  const idle = await used()
  const unused = await connect()
  await waitForCounts(guard, { new: 1, idle: 1, busy: 1 })

  await used()
  if (!unused.closed) await once(unused, 'close')
  expect(guard.ended).toEqual(['unused'])
  await used()
  if (!idle.closed) await once(idle, 'close')
  expect(guard.ended).toEqual(['unused', 'idle'])
  release.resolve()
  expect(`${(await once(waiting, 'data'))[0]}`).toMatch(/^HTTP\/1\.1 200 /)
})

test('what is cut off leaves nothing behind', async () => {
  const { guard, server, connect, used } = await startServer({})
  for (const socket of [await connect(), await used(), await used()]) socket.destroy()
  await waitForCounts(guard, { new: 0, idle: 0, busy: 0 })
  expect(server.listening).toBe(true)
})
