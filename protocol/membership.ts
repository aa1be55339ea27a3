import type { KeyObject } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { DamselflyError } from './errors.ts'
import { createMessageCodec } from './messages/codec.ts'
import { PeerIdField } from './messages/fields.ts'
import { type ClusterKey, importClusterKey, openStatement, signStatement } from './signed-statement.ts'

const TimeField = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** What a membership credential says: this peer is a member of the cluster from one moment to the other, in ms since 1970. */
const MembershipClaims = Type.Object(
  { peer: PeerIdField, issuedAt: TimeField, expiresAt: TimeField },
  { additionalProperties: false },
)
export type MembershipClaims = Static<typeof MembershipClaims>

/** Bytes of a credential, at most. */
export const MAX_MEMBERSHIP_BYTES = 1024

/**
 * How far the clocks of who issues a credential and who checks it may be apart: an hour, and what clocks are off besides. A
 * credential counts for so much longer than it says.
 */
export const CLOCK_TOLERANCE_MS = 65 * 60_000

const claimsCodec = createMessageCodec(MembershipClaims)
const KIND = 'damselfly membership 1'

/** A credential: the CBOR claims followed by their signature (protocol/signed-statement.ts). */
export function signMembership(claims: MembershipClaims, key: ClusterKey): Uint8Array {
  return signStatement(KIND, claimsCodec.encode(claims), key)
}

/** Checks the credentials of one cluster. */
export interface MembershipVerifier {
  /**
   * @param peer the PeerId that the connection proved
   * @param now milliseconds since 1970
   * @throws DamselflyError NOT_A_MEMBER
   */
  verify(credential: Uint8Array, expected: { peer: string }, now: number): MembershipClaims
}

/**
 * A verifier for the cluster that holds the private part of this key (base64url).
 * @throws DamselflyError NOT_A_MEMBER when it is no key
 */
export function createMembershipVerifier(clusterPublicKey: string): MembershipVerifier {
  const key = importPublicKey(clusterPublicKey)
  return {
    verify(credential, expected, now) {
      const { peer, issuedAt, expiresAt } = claimsOf(credential, key)
      if (peer !== expected.peer) throw refusal('its credential is that of another peer; a node has to join by itself')
      if (issuedAt - CLOCK_TOLERANCE_MS > now)
        throw refusal('its credential is not valid yet; set the clocks of both nodes and of the supernode')
      if (expiresAt + CLOCK_TOLERANCE_MS < now)
        throw refusal(
          'its credential has expired; see whether it reaches its supernode, and set the clocks of both nodes',
        )
      return { peer, issuedAt, expiresAt }
    },
  }
}

function claimsOf(credential: Uint8Array, key: KeyObject): MembershipClaims {
  if (credential.length > MAX_MEMBERSHIP_BYTES)
    throw refusal(`its credential has more than ${MAX_MEMBERSHIP_BYTES} bytes; run the same version on both nodes`)
  const payload = openStatement(KIND, credential, key)
  if (payload === undefined)
    throw refusal('its credential is not signed by this cluster; have it join this one, with a token of its supernode')
  try {
    return claimsCodec.decode(payload)
  } catch (error) {
    throw refusal('its credential cannot be read; run the same version on both nodes', { cause: error })
  }
}

function importPublicKey(publicKey: string): KeyObject {
  try {
    return importClusterKey(publicKey)
  } catch (error) {
    throw refusal('the cluster key is not an Ed25519 public key; join again with a new token', { cause: error })
  }
}

function refusal(detail: string, options?: ErrorOptions): DamselflyError {
  return new DamselflyError('NOT_A_MEMBER', detail, options)
}
