import { beforeEach, describe, expect, test } from 'vitest'
import { chooseBlock, NONE } from '../../../dfget/peer/picker/choose-block.ts'
import { fillDownload, fillLink, fillNeighbour } from '../../../dfget/peer/picker/fill.ts'
import { removeNeighbour } from '../../../dfget/peer/picker/neighbours.ts'
import { closeRequest, openRequest } from '../../../dfget/peer/picker/requests.ts'
import { asked, blocksAsked, PICKER_BLOCK_BYTES, PICKER_RATE, PickerFixture } from '../../helpers/picker-fixture.ts'
import { range } from '../../helpers/scheduler-fixture.ts'

const ALL = range(16)
const ascending = (blocks: readonly number[]) => blocks.toSorted((a, b) => a - b)

let node: PickerFixture

beforeEach(() => {
  node = new PickerFixture()
})

describe('the supernode', () => {
  test('is asked for granted blocks, in order', () => {
    const download = node.download({ grants: [9, 3, 5] })
    expect(blocksAsked(node.drain(download.supernode.link))).toEqual([3, 5, 9])
  })

  test('is asked for nothing else, whatever a reader waits for', () => {
    const download = node.download({ heads: [0] })
    expect(fillDownload(download, node.nowMs)).toEqual([])
  })

  test('is not asked for what is held, unknown or asked for already', () => {
    const download = node.download({ grants: [0, 1, 2, 99], have: [0] })
    openRequest(download.supernode, 1, node.nowMs)
    expect(asked(fillDownload(download, node.nowMs))).toEqual(['supernode:2'])
  })

  test('is the second source of a block that a neighbour does not deliver, but not the third', () => {
    const download = node.download({ blocks: 2, grants: [0] })
    openRequest(node.neighbour(download, 'a'), 0, node.nowMs)
    expect(chooseBlock(download.supernode, node.nowMs)).toBe(0)
    openRequest(node.neighbour(download, 'b'), 0, node.nowMs)
    expect(chooseBlock(download.supernode, node.nowMs)).toBe(NONE)
  })

  test('is asked for a granted block once at a time', () => {
    const download = node.download({ grants: [4] })
    const [request] = fillDownload(download, node.nowMs)
    expect(chooseBlock(download.supernode, node.nowMs)).toBe(NONE)
    if (request !== undefined) closeRequest(request)
    expect(chooseBlock(download.supernode, node.nowMs)).toBe(4)
  })
})

describe('a neighbour', () => {
  test('is asked for each head first, then for the rest', () => {
    const download = node.download({ heads: [4, 10] })
    const blocks = blocksAsked(node.drain(node.neighbour(download, 'a').link))
    expect(blocks.slice(0, 2)).toEqual([4, 10])
    expect(ascending(blocks)).toEqual(ALL)
  })

  test('is asked for the first missing block behind a head', () => {
    const download = node.download({ heads: [4], have: [4, 5] })
    expect(chooseBlock(node.neighbour(download, 'a'), node.nowMs)).toBe(6)
  })

  test.each([
    ['16 blocks', 1024 * 1024, 16],
    ['8 MiB, where blocks are small', 256 * 1024, 32],
  ])('is asked for what lies within %s of a reader before what is rarer', (_, blockSizeBytes, window) => {
    const download = node.download({ blocks: 128, heads: [16], blockSizeBytes })
    const a = node.neighbour(download, 'a')
    // Everything in the window is held twice more, everything else by this neighbour only.
    for (const peer of ['b', 'c']) node.neighbour(download, peer, { blocks: range(16 + window).slice(16) })
    const asked = blocksAsked(node.drain(a.link))
    expect(ascending(asked.slice(0, window))).toEqual(range(16 + window).slice(16))
    expect(ascending(asked.slice(window))).not.toEqual(asked.slice(window))
  })

  test('is asked for the rarest first', () => {
    const download = node.download()
    const a = node.neighbour(download, 'a')
    node.neighbour(download, 'b', { blocks: range(12) })
    node.neighbour(download, 'c', { blocks: range(8) })
    const blocks = blocksAsked(node.drain(a.link))
    expect(ascending(blocks.slice(0, 4))).toEqual([12, 13, 14, 15])
    expect(ascending(blocks.slice(4, 8))).toEqual([8, 9, 10, 11])
  })

  test('is asked first for what has become rare because others left', () => {
    const download = node.download({ blocks: 2 })
    const a = node.neighbour(download, 'a')
    for (const peer of ['b', 'c']) node.neighbour(download, peer, { blocks: [0] })
    node.neighbour(download, 'd', { blocks: [1] })
    expect(chooseBlock(a, node.nowMs)).toBe(1)
    for (const peer of ['b', 'c']) removeNeighbour(download, peer)
    expect(chooseBlock(a, node.nowMs)).toBe(0)
  })

  test.each([0, 4])(
    'is asked for the rarest by lot, equally often for each, when %i others come before them',
    common => {
      const counts = range(8).map(() => 0)
      for (const seed of range(4_000)) {
        const fixture = new PickerFixture()
        const download = fixture.download({ blocks: 8, seed })
        fixture.neighbour(download, 'b', { blocks: range(common) })
        const block = chooseBlock(fixture.neighbour(download, 'a'), fixture.nowMs)
        counts[block] = (counts[block] ?? 0) + 1
      }
      for (const [block, count] of counts.entries()) {
        if (block < common) expect(count).toBe(0)
        else expect(Math.abs(count * (8 - common) - 4_000)).toBeLessThan(600)
      }
    },
  )

  test('is not asked for what it does not hold, nor for what is held, asked for or unknown', () => {
    const download = node.download({ blocks: 10, have: [0, 1] })
    openRequest(node.neighbour(download, 'b', { blocks: [2] }), 2, node.nowMs)
    const a = node.neighbour(download, 'a', { blocks: ALL.filter(block => block !== 7) })
    expect(ascending(blocksAsked(node.drain(a.link)))).toEqual([3, 4, 5, 6, 8, 9])
  })

  test('of very many blocks is asked all over the task', () => {
    const download = node.download({ blocks: 20_000, blockSizeBytes: 1024 })
    const blocks = blocksAsked(fillNeighbour(node.neighbour(download, 'a'), node.nowMs))
    expect(new Set(blocks).size).toBe(1_024)
    expect(new Set(blocks.map(block => Math.floor(block / 2_000))).size).toBe(10)
  })

  test('is asked for the one block among very many that can be had', () => {
    const download = node.download({ blocks: 20_000 })
    expect(chooseBlock(node.neighbour(download, 'a', { blocks: [13_337] }), node.nowMs)).toBe(13_337)
  })
})

describe('a slow neighbour', () => {
  test('is not asked for a head that others offer', () => {
    const download = node.download({ blocks: 256, heads: [0] })
    const slow = node.neighbour(download, 'slow', { rate: PICKER_RATE / 10 })
    node.neighbour(download, 'a', { blocks: [0] })
    openRequest(slow, 200, node.nowMs)
    // All other blocks are rarer.
    expect(chooseBlock(slow, node.nowMs)).not.toBe(0)
  })

  test('is asked for a head that nobody else offers', () => {
    const download = node.download({ blocks: 256, heads: [0] })
    const slow = node.neighbour(download, 'slow', { rate: PICKER_RATE / 10 })
    node.neighbour(download, 'a', { blocks: [1] })
    openRequest(slow, 200, node.nowMs)
    expect(chooseBlock(slow, node.nowMs)).toBe(0)
  })
})

describe('a suspect', () => {
  test('is asked for what nobody else offers, one block at a time', () => {
    const download = node.download({ heads: [0] })
    const suspect = node.neighbour(download, 'suspect')
    node.neighbour(download, 'a', { blocks: range(14) })
    node.suspect(suspect)
    expect(asked(fillNeighbour(suspect, node.nowMs))).toEqual(['suspect:14'])
    expect(chooseBlock(suspect, node.nowMs)).toBe(NONE)
  })

  test('is asked for what only other suspects offer', () => {
    const download = node.download({ blocks: 1 })
    const suspects = ['a', 'b'].map(peer => node.neighbour(download, peer))
    for (const suspect of suspects) node.suspect(suspect)
    expect(suspects.map(suspect => chooseBlock(suspect, node.nowMs))).toEqual([0, 0])
  })

  test('is asked as before when its time is over', () => {
    const download = node.download({ heads: [0] })
    const suspect = node.neighbour(download, 'suspect')
    node.neighbour(download, 'a')
    node.suspect(suspect)
    expect(chooseBlock(suspect, node.nowMs + 9_999)).toBe(NONE)
    expect(chooseBlock(suspect, node.nowMs + 10_000)).toBe(0)
  })
})

describe('a second source', () => {
  /** A download of which only block 0 is missing, and has been asked of a neighbour of this rate. */
  function waitingFor(rate: number, init: { heads?: number[]; mapComplete?: boolean; blocks?: number } = {}) {
    const download = node.download({ blocks: 2, have: [1], ...init })
    openRequest(node.neighbour(download, 'first', { blocks: [0], rate }), 0, node.nowMs)
    return download
  }

  test('is asked at the end when it would be twice as fast, for what takes longest', () => {
    const download = node.download({ blocks: 3 })
    openRequest(node.neighbour(download, 'slow', { rate: PICKER_RATE / 4 }), 0, node.nowMs)
    openRequest(node.neighbour(download, 'slower', { rate: PICKER_RATE / 8 }), 1, node.nowMs)
    openRequest(node.neighbour(download, 'good', { rate: PICKER_RATE * 2 }), 2, node.nowMs)
    expect(asked(fillNeighbour(node.neighbour(download, 'helper'), node.nowMs))).toEqual(['helper:1'])
  })

  test('is not asked when it would hardly be sooner', () => {
    const download = waitingFor(PICKER_RATE / 2)
    expect(chooseBlock(node.neighbour(download, 'helper'), node.nowMs)).toBe(NONE)
  })

  test('is not asked when the first has most of its time behind it, but when it is late', () => {
    const download = waitingFor(PICKER_RATE / 4)
    const helper = node.neighbour(download, 'helper')
    const blockMs = PICKER_BLOCK_BYTES / PICKER_RATE
    expect(chooseBlock(helper, node.nowMs + blockMs)).toBe(0)
    expect(chooseBlock(helper, node.nowMs + 3 * blockMs)).toBe(NONE)
    expect(chooseBlock(helper, node.nowMs + 5 * blockMs)).toBe(NONE)
    expect(chooseBlock(helper, node.nowMs + 7 * blockMs)).toBe(0)
  })

  test('is not asked of a peer that has not shown what it can do', () => {
    const download = waitingFor(PICKER_RATE / 100)
    expect(chooseBlock(node.neighbour(download, 'untried', { rate: 0 }), node.nowMs)).toBe(NONE)
  })

  test('is not asked in place of one that has not had its time', () => {
    expect(chooseBlock(node.neighbour(waitingFor(0), 'helper'), node.nowMs)).toBe(NONE)
  })

  test('is not asked while something else is missing, nor while the origin is still being read', () => {
    const more = waitingFor(PICKER_RATE / 100, { blocks: 3 })
    expect(chooseBlock(node.neighbour(more, 'helper', { blocks: [0] }), node.nowMs)).toBe(NONE)
    const growing = waitingFor(PICKER_RATE / 100, { mapComplete: false })
    expect(chooseBlock(node.neighbour(growing, 'helper'), node.nowMs)).toBe(NONE)
  })

  test('is asked at any time for what a reader waits for', () => {
    const download = waitingFor(PICKER_RATE / 100, { blocks: 16, heads: [0], mapComplete: false })
    expect(chooseBlock(node.neighbour(download, 'helper'), node.nowMs)).toBe(0)
  })

  test('is not asked for what a reader waits for when it is twice as fast and other blocks are to be had', () => {
    const download = waitingFor(PICKER_RATE / 3, { blocks: 16, heads: [0] })
    expect(chooseBlock(node.neighbour(download, 'helper'), node.nowMs)).not.toBe(0)
    const atTheEnd = waitingFor(PICKER_RATE / 3, { heads: [0] })
    expect(chooseBlock(node.neighbour(atTheEnd, 'second helper'), node.nowMs)).toBe(0)
  })

  test('is the last: there is no third, and no second request to the same peer', () => {
    const download = waitingFor(PICKER_RATE / 100, { heads: [0] })
    const first = download.neighbours.get('first')
    if (first !== undefined) expect(chooseBlock(first, node.nowMs)).toBe(NONE)
    expect(asked(fillNeighbour(node.neighbour(download, 'helper'), node.nowMs))).toEqual(['helper:0'])
    expect(chooseBlock(node.neighbour(download, 'third', { rate: PICKER_RATE * 9 }), node.nowMs)).toBe(NONE)
  })

  test('is not the first one again after it left and came back', () => {
    const download = waitingFor(PICKER_RATE / 100, { heads: [0] })
    removeNeighbour(download, 'first')
    const again = node.neighbour(download, 'first')
    again.link.rateBytesPerMs = PICKER_RATE
    expect(chooseBlock(again, node.nowMs)).toBe(NONE)
  })
})

describe('a link', () => {
  test.each([
    [4, 2],
    [1, 2],
    [1 / 2, 2],
    [1 / 4, 4],
    [1 / 16, 16],
  ])('carries blocks of %d MiB: %i', (sizeMiB, requests) => {
    const download = node.download({ blocks: 100, blockSizeBytes: sizeMiB * PICKER_BLOCK_BYTES })
    const { link } = node.neighbour(download, 'a')
    expect(fillLink(link, node.nowMs)).toHaveLength(requests)
    expect(fillLink(link, node.nowMs)).toEqual([])
  })

  test('carries one block until it has shown what it can do', () => {
    const download = node.download()
    const { link } = node.neighbour(download, 'new', { rate: 0 })
    const [first, ...others] = fillLink(link, node.nowMs)
    expect(others).toEqual([])
    if (first === undefined) throw new Error('nothing was asked for')
    node.deliver(first)
    expect(fillLink(link, node.nowMs)).toHaveLength(2)
  })

  test('carries no more for several downloads than for one; they take turns', () => {
    const downloads = [node.download(), node.download(), node.download()]
    const links = downloads.map(download => node.neighbour(download, 'a').link)
    expect(new Set(links).size).toBe(1)
    const [link] = links
    if (link === undefined) throw new Error('no link')
    const turns = node.drain(link).map(({ neighbour }) => downloads.indexOf(neighbour.download))
    expect(turns).toHaveLength(48)
    expect(turns.every((turn, at) => turn === at % 3)).toBe(true)
  })

  test('passes over a download that wants nothing of it', () => {
    const busy = node.download()
    const content = node.download({ have: ALL })
    const { link } = node.neighbour(content, 'a')
    node.neighbour(busy, 'a')
    expect(node.drain(link).map(({ neighbour }) => neighbour.download === busy)).toEqual(ALL.map(() => true))
  })

  test('serves those that somebody waits for before those in the background', () => {
    const preheat = node.download({ background: true })
    const pull = node.download()
    const { link } = node.neighbour(preheat, 'a')
    node.neighbour(pull, 'a')
    const order = node.drain(link).map(({ neighbour }) => neighbour.download === pull)
    expect(order).toEqual([...ALL.map(() => true), ...ALL.map(() => false)])
  })
})

describe('a download', () => {
  test('that has something new asks the supernode first, then the idlest neighbours', () => {
    const other = node.download()
    const busy = node.neighbour(other, 'busy')
    openRequest(busy, 0, node.nowMs)
    const download = node.download({ blocks: 4, grants: [3] })
    for (const peer of ['busy', 'idle']) node.neighbour(download, peer)
    const peers = fillDownload(download, node.nowMs).map(({ neighbour }) => neighbour.link.peer)
    expect(peers).toEqual(['supernode', 'idle', 'idle', 'busy'])
  })

  test('chooses the same for the same seed', () => {
    const order = (seed: number) => {
      const fixture = new PickerFixture()
      return blocksAsked(fixture.drain(fixture.neighbour(fixture.download({ seed }), 'a').link))
    }
    expect(order(1)).toEqual(order(1))
    expect(order(2)).not.toEqual(order(1))
  })
})
