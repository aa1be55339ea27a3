import { generateKeyPair } from '@libp2p/crypto/keys'
import type {
  ConnectionEncrypter,
  Ed25519PrivateKey,
  MessageStream,
  MultiaddrConnection,
  PeerId,
} from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type MultiaddrConnectionPairOptions, multiaddrConnectionPair } from '@libp2p/utils'
import { noiseRecords } from '../../lib/p2p/records/noise-records.ts'

/** What goes on of the bytes that come by, each a chunk by itself. */
export type Passing = (bytes: Uint8Array) => readonly Uint8Array[]

export interface RelayInit extends MultiaddrConnectionPairOptions {
  readonly toResponder?: Passing
  readonly toInitiator?: Passing
}

/** Two ends of a connection, that of the initiator first. As a kernel does, it takes a copy of what it is given. */
export function connectionPair(options?: MultiaddrConnectionPairOptions): [MultiaddrConnection, MultiaddrConnection] {
  const ends = multiaddrConnectionPair(options)
  for (const end of ends) {
    const send = end.send.bind(end)
    end.send = bytes => send(bytes instanceof Uint8Array ? Uint8Array.from(bytes) : bytes.slice())
  }
  return ends
}

/** Two ends of a connection, that of the initiator first, between which somebody may change what passes. */
export function relayedPair({
  toResponder = bytes => [bytes],
  toInitiator = bytes => [bytes],
  ...options
}: RelayInit = {}): [MultiaddrConnection, MultiaddrConnection] {
  const [initiator, near] = connectionPair(options)
  const [far, responder] = connectionPair(options)
  pass(near, far, toResponder)
  pass(far, near, toInitiator)
  return [initiator, responder]
}

function pass(from: MultiaddrConnection, to: MultiaddrConnection, passing: Passing): void {
  from.addEventListener('message', ({ data }) => {
    for (const bytes of passing(data.subarray())) if (to.status === 'open') to.send(bytes)
  })
  from.addEventListener('close', ({ error }) => {
    if (error === undefined) to.close().catch(cause => to.abort(cause))
    else to.abort(error)
  })
}

/** An end of a connection before it is secured. */
export interface UnsecuredEnd {
  readonly connection: MultiaddrConnection
  readonly privateKey: Ed25519PrivateKey
  readonly peer: PeerId
  /** @param remotePeer who is expected at the other end */
  secure(remotePeer?: PeerId): Promise<MessageStream>
}

/** What secures connections, put together with the parts of libp2p that it needs. */
export type EncrypterFactory = ReturnType<typeof noiseRecords>

/** Gives both ends of a connection an identity. @param factories what secures each, records where nothing is said */
export async function unsecuredEnds(
  connections: readonly [MultiaddrConnection, MultiaddrConnection],
  factories: readonly ((peer: PeerId) => EncrypterFactory)[] = [],
): Promise<[initiator: UnsecuredEnd, responder: UnsecuredEnd]> {
  const [outbound, inbound] = connections
  return [await unsecuredEnd(outbound, factories[0]), await unsecuredEnd(inbound, factories[1])]
}

/** Secures both ends of a connection with noise and records. */
export async function securedPair(
  connections: readonly [MultiaddrConnection, MultiaddrConnection] = connectionPair(),
): Promise<[initiator: MessageStream, responder: MessageStream]> {
  const [initiator, responder] = await unsecuredEnds(connections)
  return Promise.all([initiator.secure(responder.peer), responder.secure()])
}

async function unsecuredEnd(
  connection: MultiaddrConnection,
  factory: (peer: PeerId) => EncrypterFactory = () => noiseRecords(),
): Promise<UnsecuredEnd> {
  const privateKey = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(privateKey)
  // Of all parts of libp2p noise uses no more than these.
  const upgrader = { getStreamMuxers: () => new Map() }
  const components = { privateKey, peerId: peer, logger: { forComponent: () => connection.log }, upgrader }
  const encrypter: ConnectionEncrypter = factory(peer)(components as unknown as Parameters<EncrypterFactory>[0])
  return {
    connection,
    privateKey,
    peer,
    async secure(remotePeer) {
      const options = remotePeer === undefined ? {} : { remotePeer }
      const secured =
        connection.direction === 'outbound'
          ? await encrypter.secureOutbound(connection, options)
          : await encrypter.secureInbound(connection, options)
      return secured.connection
    },
  }
}
