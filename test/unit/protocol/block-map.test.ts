import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  BLOCK_DIGEST_BYTES,
  type BlockDigest,
  BlockMap,
  blockCountOf,
  blockDigestOf,
  blockRange,
  sameBlockDigest,
} from '../../../protocol/block-map.ts'

const DIGESTS = [0, 1, 2, 3].map(seed => blockDigestOf(Uint8Array.of(seed)))

function mapOf(digests: readonly BlockDigest[], sizeBytes?: number): BlockMap {
  const map = new BlockMap(10, sizeBytes)
  for (const digest of digests) map.append(digest)
  return map
}

function digestsOf(map: BlockMap): (BlockDigest | undefined)[] {
  return Array.from({ length: map.length }, (_, index) => map.digestAt(index))
}

describe('block digests', () => {
  it('are the sha256 of the bytes, in memory of their own', () => {
    const digest = blockDigestOf(new TextEncoder().encode('abc'))
    expect(Buffer.from(digest).toString('hex')).toBe(createHash('sha256').update('abc').digest('hex'))
    expect(digest).toHaveLength(BLOCK_DIGEST_BYTES)
    expect(Buffer.isBuffer(digest)).toBe(false)
  })

  it('are compared by value', () => {
    const [a, b] = [blockDigestOf(Uint8Array.of(1)), blockDigestOf(Uint8Array.of(2))]
    expect(sameBlockDigest(a, Uint8Array.from(a) as BlockDigest)).toBe(true)
    expect(sameBlockDigest(a, b)).toBe(false)
    expect(sameBlockDigest(a, a.subarray(1) as BlockDigest)).toBe(false)
  })
})

describe('BlockMap', () => {
  it('grows and is complete once it has the blocks of its size', () => {
    const map = mapOf(DIGESTS.slice(0, 2))
    expect([map.length, map.blockCount, map.complete]).toEqual([2, undefined, false])
    map.setSize(25)
    expect([map.sizeBytes, map.blockCount, map.complete]).toEqual([25, 3, false])
    map.append(DIGESTS[2] as BlockDigest)
    expect(map.complete).toBe(true)
    expect(map.digestAt(2)).toEqual(DIGESTS[2])
    expect(map.digestAt(3)).toBeUndefined()
  })

  it('is complete at once for empty content', () => {
    expect(mapOf([], 0).complete).toBe(true)
  })

  it('takes a run and passes over what it knows', () => {
    const source = mapOf(DIGESTS)
    const map = new BlockMap(10)
    expect(map.extend(0, source.slice(0, 2))).toBe(true)
    expect(map.extend(1, source.slice(1, 4))).toBe(true)
    expect(map.extend(0, source.slice(0, 1))).toBe(true)
    expect(map.extend(4, new Uint8Array())).toBe(true)
    expect(digestsOf(map)).toEqual(DIGESTS)
  })

  it('does not replace what it knows', () => {
    const map = mapOf(DIGESTS.slice(0, 2))
    expect(map.extend(0, mapOf([...DIGESTS].reverse()).slice(0, 2))).toBe(true)
    expect(digestsOf(map)).toEqual(DIGESTS.slice(0, 2))
  })

  it('refuses a gap, a part of a digest, and what lies outside the content', () => {
    const source = mapOf(DIGESTS)
    const map = mapOf(DIGESTS.slice(0, 1), 30)
    expect(map.extend(2, source.slice(2, 3))).toBe(false)
    expect(map.extend(1, source.slice(1, 2).subarray(1))).toBe(false)
    expect(map.extend(1, source.slice(1, 4))).toBe(false)
    for (const from of [-1, 0.5, Number.NaN]) expect(map.extend(from, source.slice(0, 3))).toBe(false)
    expect(digestsOf(map)).toEqual(DIGESTS.slice(0, 1))
    expect(map.extend(1, source.slice(1, 3))).toBe(true)
    expect(map.complete).toBe(true)
  })

  // The slice of a Buffer is a view: the digests changed when the network buffer was used again.
  it('copies the digests of a run, also those of a Buffer', () => {
    const run = Buffer.from(mapOf(DIGESTS).slice(0, 4))
    const map = new BlockMap(10)
    map.extend(0, run)
    run.fill(0)
    expect(digestsOf(map)).toEqual(DIGESTS)
  })
})

describe('the layout of blocks', () => {
  it.each([
    [0, 0],
    [1, 1],
    [10, 1],
    [11, 2],
    [20, 2],
  ])('cuts %i bytes into %i blocks of 10', (sizeBytes, blocks) => {
    expect(blockCountOf(sizeBytes, 10)).toBe(blocks)
  })

  it('gives the last block what is left, and full blocks while the size is unknown', () => {
    expect(blockRange(0, 10, 25)).toEqual({ start: 0, end: 10 })
    expect(blockRange(2, 10, 25)).toEqual({ start: 20, end: 25 })
    expect(blockRange(2, 10, undefined)).toEqual({ start: 20, end: 30 })
  })
})
