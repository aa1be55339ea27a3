import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import type { Connection, Ed25519PrivateKey, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { VERSION } from '../version.ts'
import { createNoiseCrypto } from './noise-crypto.ts'
import type { ProbingP2pNode } from './p2p-node.ts'
import { noiseRecords } from './records/noise-records.ts'
import { tcpTransport } from './tcp/tcp-transport.ts'
import { createYamux } from './yamux/create-yamux.ts'

export interface Libp2pNodeInit {
  readonly privateKey: Ed25519PrivateKey
  /** Multiaddrs to listen on, for example `/ip4/0.0.0.0/tcp/0`. */
  readonly listen: readonly string[]
  /** Multiaddrs to tell others instead of the listening ones. */
  readonly announce?: readonly string[]
}

/** Streams of one protocol that one connection may have open at once: one is in use, the others overlap at reconnection. */
const MAX_STREAMS = 8

/** How long addresses that were put together are told again. */
const ADDRESSES_MS = 1_000

/** A libp2p node over TCP with noise and yamux. */
export async function createLibp2pNode(init: Libp2pNodeInit): Promise<ProbingP2pNode> {
  const libp2p = await createLibp2p({
    start: false,
    privateKey: init.privateKey,
    nodeInfo: { name: 'damselfly', version: VERSION },
    addresses: { listen: [...init.listen], announce: [...(init.announce ?? [])] },
    transports: [tcpTransport()],
    connectionEncrypters: [noiseRecords(), noise({ crypto: createNoiseCrypto() })],
    streamMuxers: [createYamux],
    // Others may ask us who we are and whether we live. We know the one from the handshake, and yamux tells us the other.
    services: { identify: identify({ runOnConnectionOpen: false }), ping: ping() },
    connectionMonitor: { enabled: false },
    connectionManager: {
      // A swarm starts as a flash crowd, often from behind one address; the defaults (5 a second, 10 pending) are for open networks.
      inboundConnectionThreshold: Number.POSITIVE_INFINITY,
      maxIncomingPendingConnections: 1024,
      maxConnections: 4096,
    },
  })
  // libp2p puts them together anew each time, and a supernode tells them to everybody who registers.
  let known: { readonly at: number; readonly addresses: string[] } | undefined

  function addresses(): string[] {
    const at = performance.now()
    if (known === undefined || at - known.at > ADDRESSES_MS)
      known = { at, addresses: libp2p.getMultiaddrs().map(address => address.decapsulate('/p2p').toString()) }
    return known.addresses
  }

  return {
    peerId: libp2p.peerId.toString(),
    async start() {
      await libp2p.start()
      known = undefined
    },
    async stop() {
      await libp2p.stop()
      known = undefined
    },
    addresses,
    async handle(protocol, onStream) {
      const handler = (stream: Stream, connection: Connection) => onStream(stream, connection.remotePeer.toString())
      await libp2p.handle(protocol, handler, { maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS })
    },
    async dial(peer, protocol, { signal }) {
      const known = isConnected(libp2p, peer.id) ? peerIdFromString(peer.id) : dialAddresses(peer.id, peer.addresses)
      return libp2p.dialProtocol(known, protocol, { signal })
    },
    async probe(peer, { signal }) {
      const connection = await libp2p.dial(dialAddresses(peer.id, peer.addresses), { signal, force: true })
      await connection.close({ signal })
    },
  }
}

function isConnected(libp2p: Libp2p, peer: string): boolean {
  return libp2p.getConnections(peerIdFromString(peer)).some(connection => connection.status === 'open')
}

function dialAddresses(peer: string, addresses: readonly string[]): Multiaddr[] {
  return addresses.map(address => multiaddr(`${address}/p2p/${peer}`))
}
