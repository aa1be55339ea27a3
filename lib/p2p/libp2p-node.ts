import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import type { Connection, Ed25519PrivateKey, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { DamselflyError } from '../../protocol/errors.ts'
import type { PeerAddress } from '../../protocol/messages/fields.ts'
import { type Clock, systemClock } from '../clock.ts'
import { createLifecycle, type Startable } from '../lifecycle.ts'
import { listenError } from '../listen-error.ts'
import { VERSION } from '../version.ts'
import { createAdmissionDesk } from './admission/admission-desk.ts'
import type { PeerAdmission } from './admission/peer-admission.ts'
import { ExpelledPeers } from './expelled-peers.ts'
import { createInboundLimits } from './inbound-limits.ts'
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
  /** Who may have a connection. Without it, and only then, everybody may. */
  readonly admission?: PeerAdmission
  /** The machine's own by default. */
  readonly clock?: Clock
  /** Beyond it those that are used least are closed. */
  readonly maxConnections?: number
}

/** Streams of one protocol that one connection may have open at once: one is in use, the others overlap at reconnection. */
const MAX_STREAMS = 8

const MAX_CONNECTIONS = 4_096

/** Who has not proven its PeerId by then is cut off. A flash crowd keeps a small machine busy for a while. */
const HANDSHAKE_MS = 10_000

/** How long addresses that were put together are told again. */
const ADDRESSES_MS = 1_000

/** A libp2p node over TCP with noise and yamux. */
export async function createLibp2pNode({
  privateKey,
  listen,
  announce = [],
  admission,
  clock = systemClock,
  maxConnections = MAX_CONNECTIONS,
}: Libp2pNodeInit): Promise<ProbingP2pNode> {
  const desk = admission && createAdmissionDesk({ admission, clock })
  const expelled = new ExpelledPeers(clock)
  // Whole sites are behind one address; half of the connections are left for all others.
  const inbound = createInboundLimits({ clock, maxPerAddress: Math.ceil(maxConnections / 2) })
  const libp2p = await createLibp2p({
    start: false,
    privateKey,
    nodeInfo: { name: 'damselfly', version: VERSION },
    addresses: { listen: [...listen], announce: [...announce] },
    transports: [tcpTransport()],
    connectionEncrypters: desk ? [desk.encrypter] : [noiseRecords(), noise({ crypto: createNoiseCrypto() })],
    connectionGater: {
      ...inbound.gater,
      denyDialPeer: peer => expelled.has(peer.toString()),
      denyInboundEncryptedConnection: peer => expelled.has(peer.toString()),
    },
    streamMuxers: [createYamux],
    // Others may ask us who we are and whether we live. We know the one from the handshake, and yamux tells us the other.
    services: { identify: identify({ runOnConnectionOpen: false }), ping: ping() },
    connectionMonitor: { enabled: false },
    connectionManager: {
      // A swarm starts as a flash crowd, often from behind one address; the defaults (5 a second, 10 pending) are for open networks.
      inboundConnectionThreshold: Number.POSITIVE_INFINITY,
      maxIncomingPendingConnections: maxConnections,
      maxConnections,
      inboundUpgradeTimeout: HANDSHAKE_MS,
    },
  })
  // Somebody may be expelled while the connection is being made.
  libp2p.addEventListener('connection:open', ({ detail: connection }) => {
    if (expelled.has(connection.remotePeer.toString())) connection.abort(expulsion())
  })
  const lifecycle = createLifecycle([
    ...(desk ? [desk.upkeepOf(libp2p)] : []),
    { start: () => begin(libp2p, listen), stop: async () => libp2p.stop() },
    watching(() => inbound.watch(libp2p)),
  ])
  // libp2p puts them together anew each time, and a supernode tells them to everybody who registers.
  let known: { readonly at: number; readonly addresses: string[] } | undefined

  function addresses(): string[] {
    const at = performance.now()
    if (known === undefined || at - known.at > ADDRESSES_MS)
      known = { at, addresses: libp2p.getMultiaddrs().map(address => address.decapsulate('/p2p').toString()) }
    return known.addresses
  }

  function dialling<T>({ id }: PeerAddress, dial: () => Promise<T>): Promise<T> {
    return desk ? desk.dialling(id, dial, () => isConnected(libp2p, id)) : dial()
  }

  return {
    peerId: libp2p.peerId.toString(),
    async start() {
      await lifecycle.start()
      known = undefined
    },
    async stop() {
      await lifecycle.stop()
      known = undefined
    },
    addresses,
    async handle(protocol, onStream) {
      const handler = (stream: Stream, { remotePeer, remoteAddr }: Connection) =>
        onStream(stream, remotePeer.toString(), remoteAddr.toString())
      await libp2p.handle(protocol, handler, { maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS })
    },
    async dial(peer, protocol, { signal }) {
      if (expelled.has(peer.id)) throw expulsion()
      if (isConnected(libp2p, peer.id)) return libp2p.dialProtocol(peerIdFromString(peer.id), protocol, { signal })
      return dialling(peer, () => libp2p.dialProtocol(dialAddresses(peer), protocol, { signal }))
    },
    async probe(peer, { signal }) {
      const connection = await dialling(peer, () => libp2p.dial(dialAddresses(peer), { signal, force: true }))
      await connection.close({ signal })
    },
    expel(peers) {
      expelled.add(peers.filter(({ id }) => id !== libp2p.peerId.toString()))
      for (const connection of libp2p.getConnections())
        if (expelled.has(connection.remotePeer.toString())) connection.abort(expulsion())
    },
  }
}

function expulsion(): DamselflyError {
  return new DamselflyError('NOT_A_MEMBER', 'it was expelled; an operator can have it join again, with a new token')
}

async function begin(libp2p: Libp2p, listen: readonly string[]): Promise<void> {
  try {
    await libp2p.start()
  } catch (error) {
    throw listenError(error, listen.join(', '))
  }
}

/** A part that watches from its start to its stop. @param watch returns what ends it */
function watching(watch: () => () => void): Startable {
  let end = () => {}
  return {
    async start() {
      end()
      end = watch()
    },
    async stop() {
      end()
      end = () => {}
    },
  }
}

function isConnected(libp2p: Libp2p, peer: string): boolean {
  return libp2p.getConnections(peerIdFromString(peer)).some(connection => connection.status === 'open')
}

function dialAddresses({ id, addresses }: PeerAddress): Multiaddr[] {
  return addresses.map(address => multiaddr(`${address}/p2p/${id}`))
}
