import { describe, expect, it } from 'vitest'
import {
  createDigester,
  digestAlgorithm,
  digestHex,
  digestOf,
  isDigest,
  parseDigest,
} from '../../../protocol/digest.ts'

// FIPS 180-2, appendices B.1 and C.1: the hash of "abc".
const ABC = new TextEncoder().encode('abc')
const SHA256 = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
const SHA512 =
  'sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
  '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f'

describe('digests', () => {
  it('are computed as the standard says, at once and in pieces', () => {
    expect(digestOf(ABC)).toBe(SHA256)
    expect(digestOf(ABC, 'sha512')).toBe(SHA512)
    for (const [algorithm, expected] of [
      ['sha256', SHA256],
      ['sha512', SHA512],
    ] as const) {
      const digester = createDigester(algorithm)
      for (const byte of ABC) digester.update(Uint8Array.of(byte))
      expect(digester.digest()).toBe(expected)
    }
  })

  it('tell their parts', () => {
    expect(digestAlgorithm(parseDigest(SHA512))).toBe('sha512')
    expect(digestHex(parseDigest(SHA256))).toBe(SHA256.slice(7))
  })

  it.each([
    '',
    ':',
    'sha256',
    'sha256:',
    SHA256.slice(0, -1),
    `${SHA256}0`,
    `${SHA256}\n`,
    SHA256.toUpperCase(),
    SHA256.replace('b', 'g'),
    SHA256.replace('sha256', 'sha512'),
    SHA256.replace('sha256', 'md5'),
    ` ${SHA256}`,
    `constructor:${'a'.repeat(64)}`,
    `sha256:../${'a'.repeat(61)}`,
  ])('refuse %j', text => {
    expect(isDigest(text)).toBe(false)
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }))
  })
})
