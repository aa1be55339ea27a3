import { expect, test } from 'vitest'
import type { BlockBuffer } from '../../../../lib/blocks/block-buffers.ts'
import { RecentBlocks } from '../../../../lib/blocks/recent-blocks.ts'
import { contentOf, taskOf } from '../../../helpers/content-blocks.ts'

const TASK = taskOf(contentOf(1))
const OTHER = taskOf(contentOf(2))
const WRITTEN = { isRead: false }
const READ = { isRead: true }

interface CountedBlock extends BlockBuffer {
  readonly holds: () => number
}

function block(lengthBytes = 10): CountedBlock {
  let holds = 0
  return {
    bytes: new Uint8Array(lengthBytes),
    retain: () => void holds++,
    release: () => void holds--,
    holds: () => holds,
  }
}

test('gives what is kept, held for the caller', () => {
  const recent = new RecentBlocks(100)
  const kept = block()
  recent.keep(TASK, 1, kept, WRITTEN)
  expect(recent.get(TASK, 1)).toBe(kept)
  expect(kept.holds()).toBe(2)
  expect(recent.get(TASK, 2)).toBeUndefined()
  expect(recent.get(OTHER, 1)).toBeUndefined()
})

test('gives up what came first, and holds no more of it', () => {
  const recent = new RecentBlocks(30)
  const blocks = Array.from({ length: 5 }, () => block())
  for (const [index, each] of blocks.entries()) recent.keep(TASK, index, each, WRITTEN)
  expect(blocks.map(each => each.holds())).toEqual([0, 0, 1, 1, 1])
  expect(recent.get(TASK, 1)).toBeUndefined()
})

test('gives up what was read before what was not, until it has half of the memory', () => {
  const recent = new RecentBlocks(30)
  for (const index of [0, 1]) recent.keep(TASK, index, block(), WRITTEN)
  recent.keep(TASK, 2, block(), READ)
  recent.get(TASK, 1)?.release()
  for (const index of [3, 4]) recent.keep(TASK, index, block(), WRITTEN)
  expect([0, 1, 2, 3, 4].map(index => recent.get(TASK, index) !== undefined)).toEqual([false, true, false, true, true])
})

test('does not keep what is too large, nor what was dropped', () => {
  const recent = new RecentBlocks(30)
  const [large, dropped, other] = [block(31), block(), block()]
  recent.keep(TASK, 0, large, WRITTEN)
  recent.keep(TASK, 1, dropped, WRITTEN)
  recent.keep(OTHER, 1, other, WRITTEN)
  recent.drop(TASK, 1)
  expect([large, dropped, other].map(each => each.holds())).toEqual([0, 0, 1])
  recent.keep(TASK, 1, dropped, WRITTEN)
  recent.dropTask(OTHER)
  expect([dropped, other].map(each => each.holds())).toEqual([1, 0])
})

test('a block that is kept again takes the place of its old self', () => {
  const recent = new RecentBlocks(30)
  const [old, young] = [block(), block(20)]
  recent.keep(TASK, 1, old, WRITTEN)
  recent.keep(TASK, 1, young, READ)
  expect(recent.get(TASK, 1)).toBe(young)
  expect([old, young].map(each => each.holds())).toEqual([0, 2])
})
