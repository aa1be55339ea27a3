import { expect, test } from 'vitest'
import { BlockBuffers } from '../../../../lib/blocks/block-buffers.ts'

const KIB = 1024

test('memory is used again once nobody holds it', () => {
  const buffers = new BlockBuffers()
  const first = buffers.take(256 * KIB)
  first.retain()
  first.release()
  expect(buffers.take(256 * KIB).bytes.buffer).not.toBe(first.bytes.buffer)
  first.release()
  const again = buffers.take(200 * KIB)
  expect(again.bytes.buffer).toBe(first.bytes.buffer)
  expect(again.bytes.length).toBe(200 * KIB)
})

test('memory of one size is not used for another', () => {
  const buffers = new BlockBuffers()
  const large = buffers.take(512 * KIB)
  large.release()
  expect(buffers.take(256 * KIB).bytes.buffer.byteLength).toBe(256 * KIB)
  expect(buffers.take(512 * KIB).bytes.buffer).toBe(large.bytes.buffer)
})

test('small blocks have memory of their own, as large as they are', () => {
  const { bytes } = new BlockBuffers().take(10)
  expect([bytes.length, bytes.buffer.byteLength]).toEqual([10, 10])
})

/** How many of the blocks that were held at once are used again, which must be those that were given back last. */
function keptOf(buffers: BlockBuffers, count: number, blockSizeBytes: number): number {
  const take = () => Array.from({ length: count }, () => buffers.take(blockSizeBytes))
  const first = take()
  for (const block of first) block.release()
  const again = take()
  const used = again.findIndex((block, index) => block.bytes.buffer !== first[count - 1 - index]?.bytes.buffer)
  const fresh = again.slice(used).filter(block => first.every(({ bytes }) => bytes.buffer !== block.bytes.buffer))
  expect(fresh).toHaveLength(count - used)
  for (const block of again) block.release()
  return used
}

test('no more is kept for later than allowed, and eight of the largest blocks', () => {
  expect(keptOf(new BlockBuffers(4096 * KIB), 30, 256 * KIB)).toBe(16)
  expect(keptOf(new BlockBuffers(512 * KIB), 10, 256 * KIB)).toBe(8)
  const buffers = new BlockBuffers()
  expect(keptOf(buffers, 100, 256 * KIB)).toBe(64)
  expect(keptOf(buffers, 10, 4096 * KIB)).toBe(8)
  expect(keptOf(buffers, 200, 256 * KIB)).toBe(128)
})

test('what was not needed from one trim to the next is given up', () => {
  const buffers = new BlockBuffers()
  const blocks = Array.from({ length: 3 }, () => buffers.take(256 * KIB))
  for (const block of blocks) block.release()
  buffers.trim()
  const used = buffers.take(256 * KIB)
  used.release()
  buffers.trim()
  const again = Array.from({ length: 2 }, () => buffers.take(256 * KIB).bytes.buffer)
  expect(again[0]).toBe(used.bytes.buffer)
  expect(blocks.map(block => block.bytes.buffer)).not.toContain(again[1])
})
