import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatToken, isTokenId, parseToken, type Token } from '../../../protocol/token.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(array => Buffer.from(array).toString('hex'))
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes).toString('base64url'))
const tokens: fc.Arbitrary<Token> = fc.record({
  id: hex(6),
  secret: hex(24),
  clusterKey: fc.option(key, { nil: undefined }),
})

describe('a token', () => {
  test('is read as it was written', () => {
    fc.assert(fc.property(tokens, token => void expect(parseToken(formatToken(token))).toEqual(token)))
  })

  test('is written in one way only', () => {
    const changes = fc.record({ token: tokens, at: fc.nat(), character: fc.string({ minLength: 0, maxLength: 2 }) })
    fc.assert(
      fc.property(changes, ({ token, at, character }) => {
        const text = formatToken(token)
        const place = at % (text.length + 1)
        const changed = text.slice(0, place) + character + text.slice(place + 1)
        const read = parseToken(changed)
        if (read !== undefined) expect(formatToken(read)).toBe(changed)
        if (changed !== text) expect(read).not.toEqual(token)
      }),
    )
  })

  test('is nothing else', () => {
    fc.assert(fc.property(fc.string(), text => void expect(parseToken(text)).toBeUndefined()))
    fc.assert(fc.property(fc.string(), text => void expect(parseToken(`dmsl_${text}`)).toBeUndefined()))
  })

  test.each([
    '',
    'dmsl_',
    `dmsl_${'a'.repeat(12)}`,
    `dmsl_${'a'.repeat(12)}_${'b'.repeat(47)}`,
    `dmsl_${'a'.repeat(12)}_${'b'.repeat(48)}_`,
    `dmsl_${'a'.repeat(12)}_${'b'.repeat(48)}_${'c'.repeat(63)}`,
    `dmsl_${'A'.repeat(12)}_${'b'.repeat(48)}`,
    `DMSL_${'a'.repeat(12)}_${'b'.repeat(48)}`,
    ` dmsl_${'a'.repeat(12)}_${'b'.repeat(48)}`,
    `dmsl_${'a'.repeat(12)}_${'b'.repeat(48)}\n`,
    `dmsl_${'a'.repeat(12)}_${'b'.repeat(48)}_${'c'.repeat(64)}_${'d'.repeat(64)}`,
    'dmsl_'.repeat(1_000_000),
  ])('is not %s', text => {
    expect(parseToken(text)).toBeUndefined()
  })
})

test('ids are told from names of other things', () => {
  fc.assert(fc.property(tokens, ({ id }) => void expect(isTokenId(id)).toBe(true)))
  for (const text of ['', '__proto__', 'a'.repeat(11), 'A'.repeat(12), 'a'.repeat(13)]) {
    expect(isTokenId(text)).toBe(false)
  }
})
