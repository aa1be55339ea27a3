import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'

/** By connection: the certificate does not change while it lasts. */
const known = new WeakMap<Socket, string | undefined>()

/**
 * The PeerId whose key the other end of a TLS connection has proved to hold, by its client certificate (`peerCertificate`). Who has
 * signed that does not matter.
 * @returns undefined for a connection without TLS, or without a certificate of an Ed25519 key
 */
export function peerOfSocket(socket: Socket): string | undefined {
  if (known.has(socket)) return known.get(socket)
  const peer = socket instanceof TLSSocket ? peerOf(socket) : undefined
  known.set(socket, peer)
  return peer
}

function peerOf(socket: TLSSocket): string | undefined {
  const key = socket.getPeerX509Certificate()?.publicKey
  if (key?.asymmetricKeyType !== 'ed25519') return undefined
  const { x = '' } = key.export({ format: 'jwk' })
  return peerIdFromPublicKey(publicKeyFromRaw(Buffer.from(x, 'base64url'))).toString()
}
