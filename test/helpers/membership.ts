import { MEMBERSHIP_LIFE_MS, type MembershipClaims, signMembership } from '../../protocol/membership.ts'
import { clusterKeyFromSeed } from '../../protocol/signed-statement.ts'
import { seededBytes } from './blob.ts'

/** The cluster whose members tests are about, and another one. */
export const CLUSTER = clusterKeyFromSeed(seededBytes(32, 'members'))
export const OTHER_CLUSTER = clusterKeyFromSeed(seededBytes(32, 'strangers'))

/** A credential as a supernode issues it at a moment, but for what is given. */
export function credentialOf(
  peer: string,
  now: number,
  given: Partial<MembershipClaims> = {},
  key = CLUSTER,
): Uint8Array {
  return signMembership({ peer, issuedAt: now, expiresAt: now + MEMBERSHIP_LIFE_MS, ...given }, key)
}
