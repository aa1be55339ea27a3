import { describe, expect, it } from 'vitest'
import { bearerChallenge, formatChallenges, parseChallenges } from '../../../protocol/challenge.ts'

describe('parseChallenges', () => {
  it('reads the challenge of a registry', () => {
    const header =
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'
    expect(bearerChallenge(header)).toEqual({
      realm: 'https://auth.docker.io/token',
      service: 'registry.docker.io',
      scope: 'repository:a/b:pull,push',
    })
  })

  it('reads several challenges, spaces around signs, any case, tokens and quoted pairs', () => {
    const header =
      ', NEGOTIATE YWJj==, basic realm = "a \\"b\\" \\\\c" ,, Bearer  Realm=x , error="insufficient_scope"\t'
    expect(parseChallenges(header)).toEqual([
      { scheme: 'negotiate', params: {}, token68: 'YWJj==' },
      { scheme: 'basic', params: { realm: 'a "b" \\c' } },
      { scheme: 'bearer', params: { realm: 'x', error: 'insufficient_scope' } },
    ])
    expect(bearerChallenge(header)).toEqual({ realm: 'x', error: 'insufficient_scope' })
  })

  it('reads schemes without parameters', () => {
    expect(parseChallenges('Negotiate, Basic realm="r"')).toEqual([
      { scheme: 'negotiate', params: {} },
      { scheme: 'basic', params: { realm: 'r' } },
    ])
  })

  it.each([
    undefined,
    '',
    ' , ',
    'Bearer realm="x',
    'Bearer realm="a" service="b"',
    'Bearer realm="a",realm="b"',
    'Bearer realm="a\u0000b"',
    '="x"',
    'Bearer realm="x";service="y"',
  ])('refuses %j', header => {
    expect(parseChallenges(header)).toBeUndefined()
    expect(bearerChallenge(header)).toBeUndefined()
  })

  it('takes a Bearer challenge without a realm for none', () => {
    expect(bearerChallenge('Bearer service="x"')).toBeUndefined()
    // By the grammar this is a token68, not a parameter without a value.
    expect(bearerChallenge('Bearer realm=')).toBeUndefined()
  })

  it('reads a long hostile header in linear time', () => {
    const started = performance.now()
    parseChallenges(`Bearer ${'a'.repeat(200_000)}`)
    parseChallenges(`Bearer realm="${'\\"'.repeat(200_000)}`)
    parseChallenges(`Bearer a=b${' ,'.repeat(200_000)}!`)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

describe('formatChallenges', () => {
  it('quotes every value', () => {
    const challenges = [{ scheme: 'bearer', params: { realm: 'https://a/token', scope: 'say "x"' } }]
    expect(formatChallenges(challenges)).toBe('Bearer realm="https://a/token",scope="say \\"x\\""')
  })

  it('refuses what would break out of the header', () => {
    expect(() => formatChallenges([{ scheme: 'basic', params: { realm: 'a\r\nSet-Cookie: x' } }])).toThrow()
    expect(() => formatChallenges([{ scheme: 'ba sic', params: {} }])).toThrow()
  })
})
