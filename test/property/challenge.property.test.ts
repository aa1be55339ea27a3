import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bearerChallenge, type Challenge, formatChallenges, parseChallenges } from '../../protocol/challenge.ts'

const tokenChars = [..."!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"]
const token = fc.string({ unit: fc.constantFrom(...tokenChars), minLength: 1, maxLength: 12 })
const valueChars = Array.from({ length: 0x100 }, (_, code) => String.fromCharCode(code)).filter(char =>
  /[\t\x20-\x7e\x80-\xff]/.test(char),
)
const value = fc.string({ unit: fc.constantFrom(...valueChars), maxLength: 30 })
const challenge: fc.Arbitrary<Challenge> = fc.oneof(
  fc.record({ scheme: token, params: fc.dictionary(token, value, { maxKeys: 5, noNullPrototype: true }) }),
  fc.record({
    scheme: token,
    params: fc.constant({}),
    token68: fc
      .tuple(fc.stringMatching(/^[A-Za-z\d\-._~+/]{1,20}$/), fc.constantFrom('', '=', '=='))
      .map(([text, padding]) => text + padding),
  }),
)

describe('challenge', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.array(challenge, { minLength: 1, maxLength: 4 }), challenges => {
        expect(parseChallenges(formatChallenges(challenges))).toEqual(challenges)
      }),
    )
  })

  it('never throws and reads nothing twice, whatever the header', () => {
    const fragment = fc.constantFrom(
      'Bearer',
      ' ',
      ',',
      '=',
      '"',
      '\\',
      'realm',
      'realm="x"',
      'Basic',
      'abc==',
      '\t',
      '\0',
      'é',
    )
    const header = fc.oneof(
      fc.string(),
      fc.array(fragment, { maxLength: 20 }).map(parts => parts.join('')),
    )
    fc.assert(
      fc.property(header, text => {
        const challenges = parseChallenges(text)
        bearerChallenge(text)
        if (challenges !== undefined) expect(parseChallenges(formatChallenges(challenges))).toEqual(challenges)
      }),
      { numRuns: 1_000 },
    )
  })
})
