import type { KeyObject } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { DamselflyError } from './errors.ts'
import { createMessageCodec } from './messages/codec.ts'
import { PeerIdField, TaskIdField } from './messages/fields.ts'
import { type ClusterKey, importClusterKey, openStatement, signStatement } from './signed-statement.ts'

/** What a ticket says: this peer may hold this task until then. */
const TicketClaims = Type.Object(
  { task: TaskIdField, peer: PeerIdField, expiresAt: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
)
export type TicketClaims = Static<typeof TicketClaims>

const claimsCodec = createMessageCodec(TicketClaims)
const KIND = 'damselfly ticket 1'

/** A ticket: base64url of the CBOR claims followed by their signature (protocol/signed-statement.ts). */
export function signTicket(claims: TicketClaims, key: ClusterKey): string {
  return Buffer.from(signStatement(KIND, claimsCodec.encode(claims), key)).toString('base64url')
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
      const payload = openStatement(KIND, Buffer.from(ticket, 'base64url'), key)
      if (payload === undefined) throw new DamselflyError('TICKET_INVALID', 'not signed by this cluster')
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
    return importClusterKey(publicKey)
  } catch (error) {
    throw new DamselflyError('TICKET_INVALID', 'the cluster key is not an Ed25519 public key', { cause: error })
  }
}
