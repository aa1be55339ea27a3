import { describe, expect, test } from 'vitest'
import {
  CLOCK_TOLERANCE_MS,
  createMembershipVerifier,
  MAX_MEMBERSHIP_BYTES,
  signMembership,
} from '../../../protocol/membership.ts'
import { signStatement } from '../../../protocol/signed-statement.ts'
import { taskIdOfUrl } from '../../../protocol/task.ts'
import { createTicketVerifier, signTicket } from '../../../protocol/ticket.ts'
import { CLUSTER, credentialOf, MEMBERSHIP_LIFE_MS, OTHER_CLUSTER } from '../../helpers/membership.ts'

const PEER = '12D3KooWF4gBM61fACw1tezY9wmCLzTrBiMnkB8mByGGTYAkuGjK'
const NOW = Date.UTC(2026, 0, 1)
const HOUR_MS = 3_600_000
const verifier = createMembershipVerifier(CLUSTER.publicKey)
const refusedAs = (detail: string) =>
  expect.objectContaining({ code: 'NOT_A_MEMBER', status: 403, message: expect.stringContaining(detail) })

describe('a membership credential', () => {
  test('says whose it is, and when', () => {
    const claims = { peer: PEER, issuedAt: NOW, expiresAt: NOW + MEMBERSHIP_LIFE_MS }
    const credential = signMembership(claims, CLUSTER)
    expect(verifier.verify(credential, { peer: PEER }, NOW)).toEqual(claims)
    expect(credential.length).toBeLessThan(MAX_MEMBERSHIP_BYTES / 4)
  })

  test('holds for its peer only', () => {
    const verify = () => verifier.verify(credentialOf(PEER, NOW), { peer: `${PEER}x` }, NOW)
    expect(verify).toThrow(refusedAs('another peer'))
  })

  test('of another cluster is none', () => {
    const verify = () => verifier.verify(credentialOf(PEER, NOW, {}, OTHER_CLUSTER), { peer: PEER }, NOW)
    expect(verify).toThrow(refusedAs('not signed by this cluster; have it join this one'))
  })

  test.each([
    ['issued just now', 0],
    ['half through its life, when it is renewed', MEMBERSHIP_LIFE_MS / 2],
  ])('%s is good by a clock that is an hour off, either way', (_, ageMs) => {
    for (const skewMs of [-HOUR_MS, 0, HOUR_MS]) {
      const seenAt = NOW + ageMs + skewMs
      expect(verifier.verify(credentialOf(PEER, NOW), { peer: PEER }, seenAt), `${skewMs}`).toBeDefined()
    }
  })

  test('ends when it says so, and no clock can be so much behind', () => {
    const credential = credentialOf(PEER, NOW)
    const endMs = NOW + MEMBERSHIP_LIFE_MS + CLOCK_TOLERANCE_MS
    expect(verifier.verify(credential, { peer: PEER }, endMs)).toBeDefined()
    expect(() => verifier.verify(credential, { peer: PEER }, endMs + 1)).toThrow(refusedAs('has expired'))
  })

  test('of a future that no clock can be so much ahead of is none', () => {
    const credential = credentialOf(PEER, NOW)
    expect(verifier.verify(credential, { peer: PEER }, NOW - CLOCK_TOLERANCE_MS)).toBeDefined()
    const verify = () => verifier.verify(credential, { peer: PEER }, NOW - CLOCK_TOLERANCE_MS - 1)
    expect(verify).toThrow(refusedAs('not valid yet'))
  })

  test('is bounded', () => {
    const verify = () => verifier.verify(new Uint8Array(MAX_MEMBERSHIP_BYTES + 1), { peer: PEER }, NOW)
    expect(verify).toThrow(refusedAs(`more than ${MAX_MEMBERSHIP_BYTES} bytes`))
  })

  test('that the cluster has signed and that cannot be read is refused', () => {
    const verify = (payload: Uint8Array) => () =>
      verifier.verify(signStatement('damselfly membership 1', payload, CLUSTER), { peer: PEER }, NOW)
    expect(verify(Buffer.of(0xff))).toThrow(refusedAs('cannot be read'))
    expect(verify(Buffer.of(0xa0))).toThrow(refusedAs('cannot be read'))
  })

  test('cannot be checked with what is no key', () => {
    for (const text of ['', 'abc', 'a'.repeat(64)])
      expect(() => createMembershipVerifier(text)).toThrow(refusedAs('not an Ed25519 public key'))
  })
})

describe('statements of one kind', () => {
  const task = taskIdOfUrl({ url: 'http://origin.example/' })

  test('do not pass for the other', () => {
    const ticket = signTicket({ task, peer: PEER, expiresAt: NOW + HOUR_MS }, CLUSTER)
    const verifyTicket = () => verifier.verify(Buffer.from(ticket, 'base64url'), { peer: PEER }, NOW)
    expect(verifyTicket).toThrow(refusedAs('not signed by this cluster'))

    const credential = Buffer.from(credentialOf(PEER, NOW)).toString('base64url')
    const tickets = createTicketVerifier(CLUSTER.publicKey)
    expect(() => tickets.verify(credential, { task, peer: PEER }, NOW)).toThrow('not signed by this cluster')
  })

  test('do not even when they say the same', () => {
    const credential = credentialOf(PEER, NOW)
    const payload = credential.subarray(0, -64)
    const asTicket = signStatement('damselfly ticket 1', payload, CLUSTER)
    expect(() => verifier.verify(asTicket, { peer: PEER }, NOW)).toThrow(refusedAs('not signed by this cluster'))
  })
})
