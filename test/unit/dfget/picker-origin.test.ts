import { beforeEach, describe, expect, test } from 'vitest'
import { chooseOriginBlock, onlyOriginHas } from '../../../dfget/peer/picker/origin.ts'
import { openRequest } from '../../../dfget/peer/picker/requests.ts'
import { PickerFixture } from '../../helpers/picker-fixture.ts'
import { range } from '../../helpers/scheduler-fixture.ts'

let node: PickerFixture

beforeEach(() => {
  node = new PickerFixture()
})

/** Where nodes of different seeds begin. */
function choices(neighbours: number, blocks: Iterable<number>): number[] {
  return range(400).map(seed => {
    const download = node.download({ seed, blocks: 100, have: range(20) })
    for (let at = 0; at < neighbours; at++) node.neighbour(download, `peer-${at}`, { blocks })
    return chooseOriginBlock(download, 20, node.nowMs)
  })
}

test('what is here, on its way, granted or offered need not come from the origin', () => {
  const download = node.download({ have: [0], grants: [1] })
  openRequest(node.neighbour(download, 'a', { blocks: [2] }), 2, node.nowMs)
  const suspect = node.neighbour(download, 'b', { blocks: [4] })
  node.suspect(suspect)
  node.neighbour(download, 'c', { blocks: [3] })
  expect(range(6).filter(block => onlyOriginHas(download, block, node.nowMs))).toEqual([4, 5])
})

test('a block that a neighbour holds and the block map does not know yet must come from the origin', () => {
  const download = node.download({ blocks: 4 })
  node.neighbour(download, 'a', { blocks: [3, 4] })
  expect([3, 4].map(block => onlyOriginHas(download, block, node.nowMs))).toEqual([false, true])
})

describe('where nodes begin to read the origin', () => {
  test('one without neighbours begins with what its reader waits for', () => {
    expect(new Set(choices(0, []))).toEqual(new Set([20]))
  })

  test('of seven that know each other about one does, and the others begin all over what is missing', () => {
    const from = choices(6, [])
    const heads = from.filter(block => block === 20).length
    expect(heads).toBeGreaterThan(400 / 14)
    expect(heads).toBeLessThan(400 / 4)
    expect(new Set(from).size).toBeGreaterThan(60)
    expect(Math.min(...from)).toBe(20)
    expect(Math.max(...from)).toBe(99)
  })

  test('nothing that a neighbour offers is read', () => {
    const from = choices(6, range(90).slice(21))
    expect(new Set(from)).toEqual(new Set([20, ...range(100).slice(90)]))
  })

  test('where only the head is missing it is read', () => {
    expect(new Set(choices(6, range(100).slice(21)))).toEqual(new Set([20]))
  })

  test('a head that the block map does not know yet is read', () => {
    const download = node.download({ blocks: 16 })
    node.neighbour(download, 'a', { blocks: [] })
    expect(chooseOriginBlock(download, 16, node.nowMs)).toBe(16)
  })
})
