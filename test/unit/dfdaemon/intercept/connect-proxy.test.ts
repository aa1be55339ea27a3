import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { waitFor } from '../../../helpers/wait.ts'
import { connectThrough, dial, exchange, listening, readUntil, startProxy } from './intercept-fixture.ts'

const IDLE_MS = 60_000

/** A TCP server whose connections' two directions end separately. */
async function startServer(handler: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    handler(socket)
  })
  return await listening(server)
}

/** The value of a number that has stopped to change. */
async function settledValue(read: () => number): Promise<number> {
  let last = -1
  const isSettled = () => {
    const before = last
    last = read()
    return last === before
  }
  await waitFor(isSettled, { timeoutMs: 10_000, intervalMs: 100 })
  return last
}

/** A tunnel through a proxy to a server, and the server's end of it. */
async function startTunnel(init: { clock?: ReturnType<typeof createManualClock> } = {}, head = '') {
  const accepted = Promise.withResolvers<Socket>()
  const port = await startServer(accepted.resolve)
  const proxy = await startProxy({
    config: { connect: { allow: [`127.0.0.1:${port}`] } },
    tunnelIdleMs: IDLE_MS,
    ...init,
  })
  const client = await connectThrough(proxy.port, `127.0.0.1:${port}`, head)
  return { proxy, client, server: await accepted.promise }
}

test('bytes go both ways untouched, those sent along with CONNECT first', async () => {
  const { proxy, client, server } = await startTunnel({}, 'early ')
  client.end('late')
  expect(await text(server)).toBe('early late')
  server.end(Buffer.from([0, 255, 13, 10]))
  expect(await buffer(client)).toEqual(Buffer.from([0, 255, 13, 10]))
  expect(await proxy.counted('connects', 'tunnelled')).toBe(1)
})

test('a server that has said all still hears the client', async () => {
  const { client, server } = await startTunnel()
  server.end('all')
  expect(await text(client)).toBe('all')
  client.end('and this')
  expect(await text(server)).toBe('and this')
})

test('a client that does not read slows the server down, and gets everything later', async () => {
  const { client, server } = await startTunnel()
  const bytes = randomBytes(32 * 1024 * 1024)
  client.pause()
  server.end(bytes)
  const written = await settledValue(() => server.bytesWritten - server.writableLength)
  expect(written).toBeLessThan(bytes.length - 1024 * 1024)
  const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex')
  expect(digest(await buffer(client))).toBe(digest(bytes))
})

test('a tunnel without a byte for the idle time is closed, one with bytes is not', async () => {
  const clock = createManualClock()
  const { client, server } = await startTunnel({ clock })
  const carry = async () => {
    server.write('x')
    await once(client.resume(), 'data')
  }
  await carry()
  clock.advance(IDLE_MS - 1)
  await carry()
  clock.advance(IDLE_MS - 1)
  await carry()
  expect(client.closed).toBe(false)
  clock.advance(IDLE_MS * 1.25)
  await Promise.all([once(client, 'close'), once(server.resume().end(), 'close'), client.end()])
})

test('a connection that breaks on one side breaks on the other', async () => {
  const { client, server } = await startTunnel()
  const failed = once(client, 'error')
  client.resume()
  server.resetAndDestroy()
  expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' })
})

test.each([
  ['other.example:443', 403, 'DENIED'],
  ['127.0.0.1:1', 403, 'DENIED'],
  ['localhost:443', 403, 'DENIED'],
  ['user@allowed.example:443', 400, 'REQUEST_INVALID'],
  ['allowed.example', 400, 'REQUEST_INVALID'],
  ['allowed.example:99999', 400, 'REQUEST_INVALID'],
  ['169.254.169.254:443', 403, 'DENIED'],
])('CONNECT %s is answered with %i', async (authority, status, code) => {
  const proxy = await startProxy({ config: { connect: { allow: ['allowed.example', '169.254.169.254'] } } })
  const answer = await exchange(proxy.port, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ code })
  expect(await proxy.counted('connects', 'refused')).toBe(1)
})

test('a server that does not listen is said to be unreachable', async () => {
  const closed = createServer()
  await new Promise<void>(resolve => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as { port: number }
  await new Promise(resolve => closed.close(resolve))
  const proxy = await startProxy({ config: { connect: { allow: [`127.0.0.1:${port}`] } } })
  const answer = await exchange(proxy.port, `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 502 /)
  expect(answer).toContain('connection refused')
})

test('a refused client that hangs up leaves nothing behind', async () => {
  const proxy = await startProxy({ clock: createManualClock(), config: {} })
  const client = await dial(proxy.port)
  client.write('CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(await readUntil(client, '\r\n')).toContain('403')
  client.resume().end('and more')
  await waitFor(async () => (await proxy.connections()) === 0, { timeoutMs: 5_000 })
})

test('a refused client that does not hang up is cut off', async () => {
  const clock = createManualClock()
  const proxy = await startProxy({ clock, config: {} })
  const client = await dial(proxy.port)
  client.write('CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(await readUntil(client, '\r\n')).toContain('403')
  const ended = once(client.resume(), 'end')
  await ended
  clock.advance(2_000)
  // What is sent to a connection that is gone is answered with a reset, which the next write meets.
  const isGone = () => {
    if (!client.destroyed) client.write('still here')
    return client.destroyed
  }
  await waitFor(isGone, { timeoutMs: 5_000 })
})

test('a stop ends open tunnels and takes no new ones; a start does again', async () => {
  const { proxy, client, server } = await startTunnel()
  client.resume()
  const ended = Promise.all([once(client, 'end'), once(server.resume(), 'end')])
  await proxy.interceptor.stop()
  await ended
  const refused = await dial(proxy.port)
  refused.write('CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(await text(refused).catch(() => '')).toBe('')

  await proxy.interceptor.start()
  const answer = await exchange(proxy.port, 'CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(answer).toContain('403')
})

test('a proxy that is not enabled leaves the server alone', async () => {
  const proxy = await startProxy({ config: { enabled: false, connect: { allow: ['*'] } } })
  onTestFinished(() => proxy.interceptor.stop())
  expect(await exchange(proxy.port, 'GET http://a.example/x HTTP/1.0\r\n\r\n')).toContain('own http://a.example/x')
  const client = await dial(proxy.port)
  client.write('CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(await text(client).catch(() => '')).toBe('')
})
