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

test('no more is kept for later than allowed: what was given back last', () => {
  const buffers = new BlockBuffers(512 * KIB)
  const blocks = Array.from({ length: 3 }, () => buffers.take(256 * KIB))
  for (const block of blocks) block.release()
  const again = Array.from({ length: 3 }, () => buffers.take(256 * KIB).bytes.buffer)
  expect(again.slice(0, 2)).toEqual([blocks[2]?.bytes.buffer, blocks[1]?.bytes.buffer])
  expect(again[2]).not.toBe(blocks[0]?.bytes.buffer)
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
