import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TcpConnection } from '../../../../../lib/p2p/tcp/tcp-connection.ts'
import { seededBytes } from '../../../../helpers/blob.ts'
import { waitFor } from '../../../../helpers/wait.ts'

const LOG = multiaddrConnectionPair()[0].log
const MEMORY_BYTES = 4_096
const SENT = seededBytes(40 * MEMORY_BYTES + 17)

let server: Server
/** One for all connections, as in a program. */
const memory = new Uint8Array(MEMORY_BYTES)

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(() => new Promise<void>(resolve => server.close(() => resolve())))

const until = (condition: () => boolean, what: string) => waitFor(condition, { timeoutMs: 10_000, what })

/** Both ends of a connection: each may be a plain socket in place of ours. */
async function sockets(): Promise<{ opened: Socket; accepted: Socket }> {
  const accepting = once(server, 'connection') as Promise<[Socket]>
  const opened = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = await accepting
  if (opened.connecting) await once(opened, 'connect')
  return { opened, accepted }
}

function connectionOf(socket: Socket, direction: 'inbound' | 'outbound'): TcpConnection {
  const remoteAddr = multiaddr('/ip4/127.0.0.1/tcp/1')
  return new TcpConnection({ socket, memory, remoteAddr, direction, log: LOG })
}

async function pair(): Promise<{ outbound: TcpConnection; inbound: TcpConnection }> {
  const { opened, accepted } = await sockets()
  return { outbound: connectionOf(opened, 'outbound'), inbound: connectionOf(accepted, 'inbound') }
}

/** All that comes over a connection, as messages that are kept. */
function messagesOf(connection: TcpConnection): () => Buffer {
  const kept: Uint8Array[] = []
  connection.addEventListener('message', ({ data }) => kept.push(...(data instanceof Uint8Array ? [data] : data)))
  return () => Buffer.concat(kept)
}

test.each(['outbound', 'inbound'] as const)('what comes in %s is kept by those who listen to messages', async way => {
  const { outbound, inbound } = await pair()
  const [receiver, sender] = way === 'inbound' ? [inbound, outbound] : [outbound, inbound]
  const [received, other] = [messagesOf(receiver), messagesOf(sender)]
  sender.send(SENT)
  receiver.send(SENT.subarray(0, 3_000))
  await until(() => received().length === SENT.length && other().length === 3_000, 'all bytes')
  expect(received().equals(SENT)).toBe(true)
  expect(other().equals(SENT.subarray(0, 3_000))).toBe(true)
  await outbound.close()
})

test('a taker is given what came before and what comes later, in order', async () => {
  const { outbound, inbound } = await pair()
  outbound.send(SENT.subarray(0, 5_000))
  await until(() => inbound.readBufferLength === 5_000, 'what comes before')
  const taken: Buffer[] = []
  inbound.takeOver(bytes => void taken.push(Buffer.from(bytes)))
  outbound.send(SENT.subarray(5_000))
  await until(() => Buffer.concat(taken).length === SENT.length, 'all bytes')
  expect(Buffer.concat(taken).equals(SENT)).toBe(true)
  await inbound.close()
})

test('a paused connection gives nothing, and all of it later', async () => {
  const { outbound, inbound } = await pair()
  const taken: Buffer[] = []
  inbound.takeOver(bytes => {
    taken.push(Buffer.from(bytes))
    if (taken.length === 1) inbound.pause()
  })
  outbound.send(SENT)
  await until(() => taken.length === 1, 'the first bytes')
  const before = taken.length
  // Another connection is read meanwhile, into the same memory.
  const other = await pair()
  const received = messagesOf(other.inbound)
  other.outbound.send(SENT)
  await until(() => received().length === SENT.length, 'the other bytes')
  expect(taken.length).toBe(before)
  inbound.resume()
  await until(() => Buffer.concat(taken).length === SENT.length, 'all bytes')
  expect(Buffer.concat(taken).equals(SENT)).toBe(true)
  await Promise.all([outbound.close(), other.outbound.close()])
})

test.each(['outbound', 'inbound'] as const)('closing %s sends all that was given before, and ends both', async way => {
  const { outbound, inbound } = await pair()
  const [closing, other] = way === 'outbound' ? [outbound, inbound] : [inbound, outbound]
  const received = messagesOf(other)
  const closed = once(other, 'close')
  closing.send(SENT)
  await closing.close()
  await closed
  expect(received().equals(SENT)).toBe(true)
  expect([closing.status, other.status]).toEqual(['closed', 'closed'])
})

test('an aborted connection is reset at the other end', async () => {
  const { outbound, inbound } = await pair()
  const closed = once(outbound, 'close')
  inbound.abort(new Error('enough'))
  await closed
  expect(inbound.status).toBe('aborted')
  expect(outbound.status).toBe('aborted')
})

test('whoever accepted the socket can end the connection', async () => {
  const { opened, accepted } = await sockets()
  const inbound = connectionOf(accepted, 'inbound')
  const ended = once(opened, 'close')
  accepted.destroy()
  opened.resume()
  await ended
  await until(() => inbound.status !== 'open', 'the end')
})
