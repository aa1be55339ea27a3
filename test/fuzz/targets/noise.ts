import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, type Server, type Socket } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { systemClock } from '../../../lib/clock.ts'
import { createLibp2pNode } from '../../../lib/p2p/libp2p-node.ts'
import type { ProbingP2pNode } from '../../../lib/p2p/p2p-node.ts'
import { MEMBER_RECORDS_PROTOCOL, NOISE_RECORDS_PROTOCOL } from '../../../protocol/protocol-ids.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import { createTestAdmission } from '../../helpers/test-admission.ts'
import type { FuzzTarget } from '../engine/target.ts'
import { startRawClient } from './http-server.ts'

/** A good connection is made beside every so many inputs. */
const GOOD_EVERY = 256
const GOOD_MS = 10_000

/** A line of multistream-select: its length (a varint) and the line. */
function line(text: string): Uint8Array {
  return Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(`${text}\n`)])
}

/** The first message of a noise handshake: a key of the initiator, which may be any bytes. */
const EPHEMERAL = Buffer.concat([Buffer.from('0020', 'hex'), Buffer.alloc(32, 9)])
const MULTISTREAM = line('/multistream/1.0.0')

function begun(protocol: string, ...then: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([MULTISTREAM, line(protocol), ...then])
}

const noise: FuzzTarget = {
  name: 'noise-handshake',
  about: 'raw connections to the peer port: the choice of a protocol, and the handshake',
  maxBytes: 4096,
  dictionary: [
    MULTISTREAM,
    line('na'),
    line('ls'),
    line('/noise'),
    line(MEMBER_RECORDS_PROTOCOL),
    line(NOISE_RECORDS_PROTOCOL),
    EPHEMERAL,
    Buffer.from('0000', 'hex'),
    Buffer.from('ffff', 'hex'),
    Buffer.from('ffffffff0f', 'hex'),
  ],
  seeds: () => [
    begun(MEMBER_RECORDS_PROTOCOL, EPHEMERAL),
    begun(NOISE_RECORDS_PROTOCOL, EPHEMERAL, Buffer.from('0000', 'hex')),
    begun('/noise', EPHEMERAL, Buffer.from('0010', 'hex'), Buffer.alloc(16)),
    begun(MEMBER_RECORDS_PROTOCOL, Buffer.from('0060', 'hex'), Buffer.alloc(96, 3)),
    Buffer.concat([MULTISTREAM, line('/other'), line('ls'), line('/noise'), EPHEMERAL]),
  ],
  // Sockets, timers of handshakes and what libp2p knows of peers: bounded.
  growthMiB: { heap: 48, rss: 192 },
  async open() {
    const stack = new AsyncDisposableStack()
    const [open, member] = [await startNode(stack, false), await startNode(stack, true)]
    const visitor = await startNode(stack, false)
    let turns = 0
    return {
      async run(input) {
        const node = input.length % 2 === 0 ? open : member
        // That the node ends the connection is the answer; a handshake that is not one can get no further.
        await node.exchange(input)
        assert.equal(node.streams(), 0, 'a stream of nobody')
        if (turns++ % GOOD_EVERY > 0) return
        await visitor.node.probe(open.address, { signal: AbortSignal.timeout(GOOD_MS) })
      },
      close: () => stack.disposeAsync(),
    }
  },
}

/** A node, on a port for others and by a Unix socket for raw bytes. */
async function startNode(stack: AsyncDisposableStack, isMember: boolean) {
  const privateKey = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(privateKey).toString()
  const admission = isMember ? { admission: createTestAdmission(peer, systemClock) } : {}
  const node: ProbingP2pNode = await createLibp2pNode({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'], ...admission })
  let streams = 0
  await node.handle('/test/nothing/1.0.0', () => void streams++)
  await node.start()
  stack.defer(() => node.stop())
  const addresses = node.addresses()
  const scratch = stack.use(await createScratchDirectory('/dev/shm'))
  const port = Number(/\/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1])
  const client = await startRawClient(await serverAt(port), scratch.path, asFromPort)
  stack.defer(() => client.close())
  const exchange = (bytes: Uint8Array) => client.exchange(bytes)
  return { node, address: { id: peer, addresses }, exchange, streams: () => streams }
}

/** libp2p wants to know where a connection comes from, and a Unix socket comes from nowhere. */
function asFromPort(socket: Socket): void {
  Object.defineProperties(socket, { remoteAddress: { value: '127.0.0.1' }, remotePort: { value: 1 } })
}

/** The server in this process that listens on a port. */
async function serverAt(port: number): Promise<Server> {
  const { promise, resolve } = Promise.withResolvers<Server>()
  const see = (message: unknown): void => {
    const { server } = (message as { socket: Socket & { server?: Server } }).socket
    if (server !== undefined) resolve(server)
  }
  subscribe('net.server.socket', see)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  try {
    return await promise
  } finally {
    unsubscribe('net.server.socket', see)
    socket.destroy()
  }
}

/** The peer port, before anybody has proved who he is. */
export const NOISE_TARGETS: readonly FuzzTarget[] = [noise]
