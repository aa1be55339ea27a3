import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { DamselflyError } from './errors.ts'
import { createMessageCodec } from './messages/codec.ts'
import { PeerIdField, TaskIdField } from './messages/fields.ts'

/** What a ticket says: this peer may hold this task until then. */
const TicketClaims = Type.Object(
  { task: TaskIdField, peer: PeerIdField, expiresAt: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
)
export type TicketClaims = Static<typeof TicketClaims>

const claimsCodec = createMessageCodec(TicketClaims)
const SIGNATURE_BYTES = 64

/** Ed25519 (RFC 8032) keys of a cluster. The public one travels as its 32 raw bytes in base64url. */
export interface ClusterKey {
  readonly privateKey: KeyObject
  readonly publicKey: string
}

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The keys that a 32-byte seed stands for. */
export function clusterKeyFromSeed(seed: Uint8Array): ClusterKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { privateKey, publicKey: x }
}

/** A ticket: base64url of the CBOR claims followed by their Ed25519 signature. */
export function signTicket(claims: TicketClaims, key: ClusterKey): string {
  const payload = claimsCodec.encode(claims)
  return Buffer.concat([payload, sign(null, payload, key.privateKey)]).toString('base64url')
}

/** Checks tickets of one cluster. */
export interface TicketVerifier {
  /**
   * @param peer the PeerId that the connection proved
   * @param now milliseconds since 1970
   * @throws DamselflyError TICKET_INVALID
   */
  verify(ticket: string, expected: { task: string; peer: string }, now: number): TicketClaims
}

/** A verifier for the cluster that holds the private part of this key (base64url). @throws DamselflyError TICKET_INVALID */
export function createTicketVerifier(publicKey: string): TicketVerifier {
  const key = importPublicKey(publicKey)
  return {
    verify(ticket, expected, now) {
      const bytes = Buffer.from(ticket, 'base64url')
      const payload = bytes.subarray(0, -SIGNATURE_BYTES)
      const genuine = bytes.length > SIGNATURE_BYTES && verify(null, payload, key, bytes.subarray(-SIGNATURE_BYTES))
      if (!genuine) throw new DamselflyError('TICKET_INVALID', 'not signed by this cluster')
      const claims = claimsCodec.decode(payload)
      if (claims.task !== expected.task) throw new DamselflyError('TICKET_INVALID', 'it is for another task')
      if (claims.peer !== expected.peer) throw new DamselflyError('TICKET_INVALID', 'it is for another peer')
      if (claims.expiresAt < now) throw new DamselflyError('TICKET_INVALID', 'it has expired')
      return claims
    },
  }
}

function importPublicKey(publicKey: string): KeyObject {
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
  } catch (error) {
    throw new DamselflyError('TICKET_INVALID', 'the cluster key is not an Ed25519 public key', { cause: error })
  }
}
