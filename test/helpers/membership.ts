import { keysOfSeed } from '../../protocol/ed25519-seed.ts'
import { type MembershipClaims, signMembership } from '../../protocol/membership.ts'
import { seededBytes } from './blob.ts'

/** The cluster whose members tests are about, and another one. */
export const CLUSTER = keysOfSeed(seededBytes(32, 'members'))
export const OTHER_CLUSTER = keysOfSeed(seededBytes(32, 'strangers'))

/** How long a credential lasts unless a supernode is told otherwise. */
export const MEMBERSHIP_LIFE_MS = 3_600_000

/** A credential as a supernode issues it at a moment, but for what is given. */
export function credentialOf(
  peer: string,
  now: number,
  given: Partial<MembershipClaims> = {},
  key = CLUSTER,
): Uint8Array {
  return signMembership({ peer, issuedAt: now, expiresAt: now + MEMBERSHIP_LIFE_MS, ...given }, key)
}
