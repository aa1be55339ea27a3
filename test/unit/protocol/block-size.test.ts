import { describe, expect, it } from 'vitest'
import {
  blockSizeFor,
  isBlockSize,
  MAX_BLOCK_BYTES,
  MIN_BLOCK_BYTES,
  UNKNOWN_LENGTH_BLOCK_BYTES,
} from '../../../protocol/block-size.ts'

const KIB = 1024
const MIB = 1024 * KIB

describe('block sizes', () => {
  it.each([
    [undefined, UNKNOWN_LENGTH_BLOCK_BYTES],
    [0, 256 * KIB],
    [1, 256 * KIB],
    [384 * MIB, 256 * KIB],
    [384 * MIB + 1, 512 * KIB],
    [768 * MIB, 512 * KIB],
    [1536 * MIB, MIB],
    [6144 * MIB, 4 * MIB],
    [2 ** 53 - 1, 4 * MIB],
  ])('of %s bytes: %i', (sizeBytes, expected) => {
    expect(blockSizeFor(sizeBytes)).toBe(expected)
    expect(isBlockSize(blockSizeFor(sizeBytes))).toBe(true)
  })

  it('are powers of two between the smallest and the largest', () => {
    expect([MIN_BLOCK_BYTES, 512 * KIB, MIB, 2 * MIB, MAX_BLOCK_BYTES].every(isBlockSize)).toBe(true)
    const others = [0, -1, 1, 128 * KIB, MIN_BLOCK_BYTES + 1, 3 * MIB, 8 * MIB, Number.NaN, Number.POSITIVE_INFINITY]
    expect(others.filter(isBlockSize)).toEqual([])
  })
})
