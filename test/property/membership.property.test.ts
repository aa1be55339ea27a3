import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createMembershipVerifier, MAX_MEMBERSHIP_BYTES } from '../../protocol/membership.ts'
import { signStatement } from '../../protocol/signed-statement.ts'
import { CLUSTER, credentialOf } from '../helpers/membership.ts'

const PEER = '12D3KooWF4gBM61fACw1tezY9wmCLzTrBiMnkB8mByGGTYAkuGjK'
const NOW = Date.UTC(2026, 0, 1)
const GENUINE = credentialOf(PEER, NOW)
const REFUSED = expect.objectContaining({ code: 'NOT_A_MEMBER' })
const verifier = createMembershipVerifier(CLUSTER.publicKey)
const verify = (bytes: Uint8Array) => () => verifier.verify(bytes, { peer: PEER }, NOW)

it('refuses any bytes, in one way', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2 * MAX_MEMBERSHIP_BYTES }),
      bytes => void expect(verify(bytes)).toThrow(REFUSED),
    ),
  )
})

it('refuses whatever else the cluster may have signed', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      payload => void expect(verify(signStatement('damselfly membership 1', payload, CLUSTER))).toThrow(REFUSED),
    ),
  )
})

it('refuses a genuine credential with anything changed', () => {
  const at = fc.nat({ max: GENUINE.length - 1 })
  const changed = fc.oneof(
    fc.tuple(at, fc.integer({ min: 1, max: 255 })).map(([index, flip]) => {
      const bytes = Uint8Array.from(GENUINE)
      bytes[index] = (bytes[index] ?? 0) ^ flip
      return bytes
    }),
    at.map(length => GENUINE.slice(0, length)),
    at.map(from => GENUINE.slice(from + 1)),
    fc
      .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 32 }))
      .map(([index, more]) => Uint8Array.from([...GENUINE.subarray(0, index), ...more, ...GENUINE.subarray(index)])),
  )
  expect(verify(GENUINE)).not.toThrow()
  fc.assert(fc.property(changed, bytes => void expect(verify(bytes)).toThrow(REFUSED)))
})
