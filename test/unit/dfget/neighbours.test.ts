import { beforeEach, describe, expect, test } from 'vitest'
import { stallDeadlineMs } from '../../../dfget/peer/picker/deadlines.ts'
import {
  dropIdleLink,
  expectedMs,
  isSuspect,
  linkTo,
  noteDelivery,
  noteFailure,
} from '../../../dfget/peer/picker/link.ts'
import {
  addHoldings,
  addNeighbour,
  dropHoldings,
  endDownload,
  isOffered,
  lackedBy,
  removeNeighbour,
} from '../../../dfget/peer/picker/neighbours.ts'
import { blockStored, closeRequest, openRequest, requestsOf } from '../../../dfget/peer/picker/requests.ts'
import { asked, PICKER_BLOCK_BYTES, PICKER_RATE, PickerFixture } from '../../helpers/picker-fixture.ts'
import { bitfieldOf } from '../../helpers/scheduler-fixture.ts'

let node: PickerFixture

beforeEach(() => {
  node = new PickerFixture()
})

describe('a neighbour', () => {
  test('that shows itself again has what it had and what it shows, and is one', () => {
    const download = node.download()
    const first = node.neighbour(download, 'a', { blocks: [1, 2] })
    const again = addNeighbour(download, first.link, bitfieldOf([2, 3]))
    expect(again).toBe(first)
    expect([...first.has]).toEqual([1, 2, 3])
    expect([...download.holders.slice(0, 5)]).toEqual([0, 1, 1, 1, 0])
    expect(first.link.users).toEqual([first])
  })

  test('counts as a holder of what it holds, each block once, until it leaves', () => {
    const download = node.download()
    const a = node.neighbour(download, 'a', { blocks: [1] })
    node.neighbour(download, 'b', { blocks: [1, 500] })
    addHoldings(a, [1, 2, 2, 1_000])
    dropHoldings(a, [1, 1, 7])
    expect([1, 2, 7, 500, 1_000].map(block => download.holders[block])).toEqual([1, 1, 0, 1, 1])
    removeNeighbour(download, 'a')
    removeNeighbour(download, 'b')
    expect(download.holders.every(count => count === 0)).toBe(true)
    expect(a.link.users).toEqual([])
  })

  test('that leaves gives back its open requests; they stay on the books until they are closed', () => {
    const download = node.download()
    const a = node.neighbour(download, 'a')
    openRequest(a, 3, node.nowMs)
    openRequest(node.neighbour(download, 'b'), 4, node.nowMs)
    const requests = removeNeighbour(download, 'a')
    expect(asked(requests)).toEqual(['a:3'])
    expect([a.link.requests, download.asked.has(3)]).toEqual([1, true])
    for (const request of requests) closeRequest(request)
    expect([a.link.requests, download.asked.has(3), download.asked.has(4)]).toEqual([0, false, true])
    expect(removeNeighbour(download, 'a')).toEqual([])
  })

  test('lacks what it has not said that it holds', () => {
    const download = node.download()
    const a = node.neighbour(download, 'a', { blocks: [7] })
    expect(lackedBy(a, [6, 7, 8])).toEqual([6, 8])
    dropHoldings(a, [7])
    expect(lackedBy(a, [7])).toEqual([7])
    expect(lackedBy(undefined, [7, 8])).toEqual([7, 8])
  })

  test('offers what it holds unless it is a suspect', () => {
    const download = node.download()
    const a = node.neighbour(download, 'a', { blocks: [7] })
    expect([isOffered(download, 7, node.nowMs), isOffered(download, 8, node.nowMs)]).toEqual([true, false])
    node.suspect(a)
    expect(isOffered(download, 7, node.nowMs)).toBe(false)
    expect(isOffered(download, 7, node.nowMs + 10_000)).toBe(true)
  })
})

describe('a request', () => {
  test('is booked once and closed once', () => {
    const download = node.download()
    const a = node.neighbour(download, 'a')
    const first = openRequest(a, 3, node.nowMs)
    const second = openRequest(node.neighbour(download, 'b'), 3, node.nowMs)
    expect(requestsOf(a)).toEqual([first])
    expect([a.link.requests, a.link.requestedBytes]).toEqual([1, PICKER_BLOCK_BYTES])
    closeRequest(first)
    closeRequest(first)
    expect([a.link.requests, a.link.requestedBytes]).toEqual([0, 0])
    expect(download.requests.get(3)).toEqual([second])
    expect(download.asked.has(3)).toBe(true)
    closeRequest(second)
    expect([download.requests.size, download.asked.count]).toEqual([0, 0])
  })

  test('for a block that has come is to be ended, and its grant is used up', () => {
    const download = node.download({ grants: [3, 4] })
    openRequest(node.neighbour(download, 'a'), 3, node.nowMs)
    openRequest(download.supernode, 3, node.nowMs)
    expect(asked(blockStored(download, 3))).toEqual(['a:3', 'supernode:3'])
    expect([...download.grants]).toEqual([4])
    expect(blockStored(download, 9)).toEqual([])
  })

  test('of a download that ends is given back, and no link carries the download any more', () => {
    const download = node.download()
    const other = node.download()
    const a = node.neighbour(download, 'a')
    const others = node.neighbour(other, 'a')
    openRequest(a, 1, node.nowMs)
    openRequest(download.supernode, 2, node.nowMs)
    openRequest(others, 3, node.nowMs)
    expect(asked(endDownload(download)).sort()).toEqual(['a:1', 'supernode:2'])
    expect(a.link.users).toEqual([others])
    expect(node.supernode.users).toEqual([other.supernode])
  })
})

describe('a link', () => {
  test('counts its rate from the delivery before, when several blocks were asked for', () => {
    const link = linkTo(node.links, 'a')
    noteDelivery(link, 1_000, 0, 10)
    expect(link.rateBytesPerMs).toBe(100)
    noteDelivery(link, 1_000, 0, 20)
    expect(link.rateBytesPerMs).toBeCloseTo(100)
    noteDelivery(link, 4_000, 0, 30)
    expect(link.rateBytesPerMs).toBeCloseTo(129, 0)
    noteDelivery(link, 1_000, 0, 130)
    expect(link.rateBytesPerMs).toBeCloseTo(28.2, 1)
  })

  test('is not taken for fast because its blocks come in bursts', () => {
    const link = linkTo(node.links, 'a')
    for (let atMs = 100; atMs <= 2_000; atMs += 100) {
      noteDelivery(link, 500, atMs - 100, atMs)
      noteDelivery(link, 500, atMs - 100, atMs)
    }
    expect(link.rateBytesPerMs).toBeGreaterThan(5)
    expect(link.rateBytesPerMs).toBeLessThan(20)
  })

  test('does not count the time in which nothing was asked for', () => {
    const link = linkTo(node.links, 'a')
    noteDelivery(link, 1_000, 0, 10)
    noteDelivery(link, 1_000, 990, 1_000)
    expect(link.rateBytesPerMs).toBe(100)
  })

  test('counts failures in a row, those of one broken stream once', () => {
    const link = linkTo(node.links, 'a')
    expect([noteFailure(link, 0, 10), noteFailure(link, 1, 10), noteFailure(link, 9, 11)]).toEqual([1, 1, 1])
    expect(noteFailure(link, 12, 13)).toBe(2)
    noteDelivery(link, 1, 13, 14)
    expect(noteFailure(link, 15, 16)).toBe(1)
  })

  test('will probably deliver a block behind those that were asked for', () => {
    const download = node.download()
    const a = node.neighbour(download, 'a')
    expect(expectedMs(a.link, PICKER_BLOCK_BYTES)).toBe(100)
    openRequest(a, 0, node.nowMs)
    expect(expectedMs(a.link, PICKER_BLOCK_BYTES)).toBe(200)
    expect(expectedMs(linkTo(node.links, 'new'), PICKER_BLOCK_BYTES)).toBe(Number.POSITIVE_INFINITY)
  })

  test('is one for all downloads, and forgotten when it carries nothing and nothing speaks against it', () => {
    const download = node.download()
    const a = node.neighbour(download, 'a')
    const { link } = a
    expect(linkTo(node.links, 'a')).toBe(link)
    const kept = () => {
      dropIdleLink(node.links, link, node.nowMs)
      return node.links.has('a')
    }
    const request = openRequest(a, 0, node.nowMs)
    expect(kept()).toBe(true)
    removeNeighbour(download, 'a')
    expect(kept()).toBe(true)
    node.suspect(a)
    closeRequest(request)
    expect([isSuspect(link, node.nowMs), kept()]).toEqual([true, true])
    node.nowMs += 10_000
    expect(kept()).toBe(false)
  })

  test.each([
    ['eight times what a block takes', PICKER_RATE, 800],
    ['not less than half a second', PICKER_RATE * 100, 500],
    ['not more than two seconds', PICKER_RATE / 100, 2_000],
    ['two seconds while nothing is known of it', 0, 2_000],
  ])('may be silent for %s', (_, rate, deadlineMs) => {
    const link = linkTo(node.links, 'a')
    link.rateBytesPerMs = rate
    expect(stallDeadlineMs(link, PICKER_BLOCK_BYTES)).toBe(deadlineMs)
  })
})
