import { expect, test } from 'vitest'
import { Readers } from '../../../dfget/peer/task/readers.ts'

const contentWith = (present: readonly number[], blockCount?: number) => ({
  blockCount,
  has: (block: number) => present.includes(block),
})

function readersAt(...heads: number[]): Readers {
  const readers = new Readers()
  for (const head of heads) readers.add(head)
  return readers
}

test('the first block that a reader waits for is the lowest of those that are missing', () => {
  expect(readersAt(7, 2, 5).lowestMissing(contentWith([2], 9))).toBe(5)
  expect(readersAt(7, 2, 5).lowestMissing(contentWith([2]))).toBe(5)
  expect(readersAt(0).lowestMissing(contentWith([], 1))).toBe(0)
})

test('nobody waits for a block when there is no reader, or all of them have what they need next', () => {
  expect(readersAt().lowestMissing(contentWith([], 9))).toBeUndefined()
  expect(readersAt().lowestMissing(contentWith([]))).toBeUndefined()
  expect(readersAt(0, 1).lowestMissing(contentWith([0, 1], 2))).toBeUndefined()
})

test('a reader behind the last block waits for none', () => {
  expect(readersAt(2).lowestMissing(contentWith([0, 1], 2))).toBeUndefined()
  expect(readersAt(2, 1).lowestMissing(contentWith([0], 2))).toBe(1)
})

test('who has gone waits for nothing', () => {
  const readers = readersAt(3)
  readers.add(1).release()
  expect(readers.count).toBe(1)
  expect(readers.lowestMissing(contentWith([], 9))).toBe(3)
})
