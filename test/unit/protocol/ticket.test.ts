import { describe, expect, test } from 'vitest'
import { keysOfSeed } from '../../../protocol/ed25519-seed.ts'
import { taskIdOfDigest } from '../../../protocol/task.ts'
import { createTicketVerifier, signTicket } from '../../../protocol/ticket.ts'
import { seededBytes } from '../../helpers/blob.ts'

const key = keysOfSeed(seededBytes(32, 'cluster'))
const otherKey = keysOfSeed(seededBytes(32, 'other'))
const task = taskIdOfDigest(`sha256:${'a'.repeat(64)}` as Parameters<typeof taskIdOfDigest>[0])
const peer = '12D3KooWF4gBM61fACw1tezY9wmCLzTrBiMnkB8mByGGTYAkuGjK'
const claims = { task, peer, expiresAt: 10_000 }
const verifier = createTicketVerifier(key.publicKey)
const INVALID = expect.objectContaining({ code: 'TICKET_INVALID' })

describe('a ticket', () => {
  test('holds until its end', () => {
    const ticket = signTicket(claims, key)
    expect(verifier.verify(ticket, { task, peer }, 0)).toEqual(claims)
    expect(verifier.verify(ticket, { task, peer }, 10_000)).toEqual(claims)
    expect(() => verifier.verify(ticket, { task, peer }, 10_001)).toThrow(INVALID)
  })

  test('holds for its task and its peer only', () => {
    const ticket = signTicket(claims, key)
    expect(() => verifier.verify(ticket, { task: `sha256:${'b'.repeat(64)}`, peer }, 0)).toThrow(INVALID)
    expect(() => verifier.verify(ticket, { task, peer: `${peer}x` }, 0)).toThrow(INVALID)
  })

  test('of another cluster is none', () => {
    expect(() => verifier.verify(signTicket(claims, otherKey), { task, peer }, 0)).toThrow(INVALID)
  })

  test('with any byte changed is none', () => {
    const bytes = Buffer.from(signTicket(claims, key), 'base64url')
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => verifier.verify(changed.toString('base64url'), { task, peer }, 0), `byte ${at}`).toThrow(INVALID)
    }
  })

  test.for(['', 'x', '====', 'a'.repeat(1_024), '\u0000'])('is not "%s"', text => {
    expect(() => verifier.verify(text, { task, peer }, 0)).toThrow(INVALID)
  })

  test('cannot be checked with what is no key', () => {
    for (const text of ['', 'abc', 'a'.repeat(64)]) expect(() => createTicketVerifier(text)).toThrow(INVALID)
  })
})
