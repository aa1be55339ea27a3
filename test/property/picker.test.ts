import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fillDownload, fillLink, fillNeighbour } from '../../dfget/peer/picker/fill.ts'
import { hasRoom, isSuspect, noteFailure, suspect } from '../../dfget/peer/picker/link.ts'
import { addHoldings, dropHoldings, endDownload, removeNeighbour } from '../../dfget/peer/picker/neighbours.ts'
import { blockStored, closeRequest } from '../../dfget/peer/picker/requests.ts'
import type { BlockRequest, Download, Link, Neighbour } from '../../dfget/peer/picker/state.ts'
import { PickerFixture } from '../helpers/picker-fixture.ts'
import { runPickerSwarm } from '../helpers/picker-swarm.ts'
import { range } from '../helpers/scheduler-fixture.ts'

const MAX_BLOCKS = 24
const DOWNLOADS = 3
const PEERS = ['a', 'b', 'c', 'd']
const WINDOW_BYTES = 1024 * 1024
const SIZES = [WINDOW_BYTES, WINDOW_BYTES / 4, WINDOW_BYTES / 8]

/** A node, and a book of its open requests that is kept beside the picker's own. */
class Model {
  readonly node = new PickerFixture()
  readonly downloads: readonly Download[]
  readonly ended = new Set<Download>()
  readonly open: BlockRequest[] = []
  closed = 0

  constructor() {
    this.downloads = range(DOWNLOADS).map(index =>
      this.node.download({
        blocks: 0,
        blockSizeBytes: SIZES[index] ?? WINDOW_BYTES,
        background: index === 2,
        mapComplete: false,
        seed: index,
      }),
    )
  }

  /** Takes what a fill returned, each of which must be a request that may be made. */
  take(requests: readonly BlockRequest[]): void {
    for (const request of requests) {
      const { block, neighbour } = request
      const { download, link } = neighbour
      expect(this.ended.has(download)).toBe(false)
      expect(block).toBeLessThan(download.blockCount)
      expect(download.have.has(block)).toBe(false)
      if (neighbour === download.supernode) expect(download.grants.has(block)).toBe(true)
      else {
        expect(download.neighbours.get(link.peer)).toBe(neighbour)
        expect(neighbour.has.has(block)).toBe(true)
      }
      const same = this.open.filter(other => other.neighbour.download === download && other.block === block)
      expect(same.map(other => other.neighbour.link.peer)).not.toContain(link.peer)
      expect(same.length).toBeLessThan(2)
      this.open.push(request)
      const ofLink = this.openOn(link)
      if (ofLink.length > 1) expect(link.rateBytesPerMs).toBeGreaterThan(0)
      if (ofLink.length > 2) expect(bytesOf(ofLink)).toBeLessThanOrEqual(windowOf(link))
    }
  }

  close(request: BlockRequest): void {
    const at = this.open.indexOf(request)
    if (at < 0) return
    this.open.splice(at, 1)
    this.closed++
    closeRequest(request)
  }

  openOn(link: Link): BlockRequest[] {
    return this.open.filter(({ neighbour }) => neighbour.link === link)
  }

  /** The books of the picker agree with this one. */
  check(): void {
    for (const link of this.node.links.values()) {
      const open = this.openOn(link)
      expect([link.requests, link.requestedBytes]).toEqual([open.length, bytesOf(open)])
      const users = this.downloads
        .filter(download => !this.ended.has(download))
        .flatMap(download => [download.supernode, ...download.neighbours.values()])
        .filter(neighbour => neighbour.link === link)
      expect(new Set(link.users)).toEqual(new Set(users))
      expect(link.users.length).toBe(users.length)
    }
    for (const download of this.downloads) {
      const blocks = new Set(
        this.open.filter(({ neighbour }) => neighbour.download === download).map(({ block }) => block),
      )
      expect(new Set(download.requests.keys())).toEqual(blocks)
      expect(new Set(download.asked)).toEqual(blocks)
      const holding = [...download.neighbours.values()]
      for (let block = 0; block < MAX_BLOCKS + 4; block++) {
        const holders = holding.filter(({ has }) => has.has(block)).length
        expect(download.holders[block] ?? 0).toBe(holders)
      }
    }
  }

  /** Fills every link; then nothing that could be asked for is left where there is room. */
  fillAll(): void {
    const { node } = this
    for (const link of node.links.values()) this.take(fillLink(link, node.nowMs))
    for (const download of this.downloads) {
      if (this.ended.has(download)) continue
      this.take(fillDownload(download, node.nowMs))
    }
    for (const download of this.downloads) {
      if (this.ended.has(download)) continue
      for (const neighbour of download.neighbours.values()) {
        if (!hasRoom(neighbour.link, download.blockSizeBytes) || isSuspect(neighbour.link, node.nowMs)) continue
        expect([...neighbour.has].filter(block => isOpen(download, block))).toEqual([])
      }
      if (!hasRoom(node.supernode, download.blockSizeBytes)) continue
      expect([...download.grants].filter(block => isOpen(download, block))).toEqual([])
    }
  }
}

/** What may be open on a link beside the first two requests: what a fast peer delivers in 10 ms, and 1 to 8 MiB. */
function windowOf({ rateBytesPerMs }: Link): number {
  return Math.max(WINDOW_BYTES, Math.min(10 * rateBytesPerMs, 8 * WINDOW_BYTES))
}

function bytesOf(requests: readonly BlockRequest[]): number {
  return requests.reduce((sum, { neighbour }) => sum + neighbour.download.blockSizeBytes, 0)
}

function isOpen(download: Download, block: number): boolean {
  return block < download.blockCount && !download.have.has(block) && !download.asked.has(block)
}

/** Something that happens to a node. */
type Action = (model: Model) => void

const download = fc.nat(DOWNLOADS - 1)
const peer = fc.constantFrom(...PEERS)
const blocks = fc.uniqueArray(fc.nat(MAX_BLOCKS + 3), { maxLength: MAX_BLOCKS })
const some = fc.nat(1_000)

/** For a download that goes on. */
function inDownload(index: number, act: (download: Download, model: Model) => void): Action {
  return model => {
    const found = model.downloads[index]
    if (found !== undefined && !model.ended.has(found)) act(found, model)
  }
}

function withNeighbour(index: number, peer: string, act: (neighbour: Neighbour, model: Model) => void): Action {
  return inDownload(index, (found, model) => {
    const neighbour = found.neighbours.get(peer)
    if (neighbour !== undefined) act(neighbour, model)
  })
}

/** For one of the open requests. */
function withRequest(some: number, act: (request: BlockRequest, model: Model) => void): Action {
  return model => {
    const request = model.open[some % Math.max(1, model.open.length)]
    if (request !== undefined) act(request, model)
  }
}

const delivered = some.map(some =>
  withRequest(some, (request, model) => {
    const { link, download } = request.neighbour
    const others = model.node.deliver(request, 1 + (some % 40))
    model.open.splice(model.open.indexOf(request), 1)
    model.closed++
    for (const other of others) model.close(other)
    expect(download.requests.has(request.block)).toBe(false)
    model.take(fillLink(link, model.node.nowMs))
  }),
)

const failed = some.map(some =>
  withRequest(some, (request, model) => {
    const { link, download } = request.neighbour
    model.close(request)
    if (request.neighbour === download.supernode) download.grants.delete(request.block)
    else if (noteFailure(link, request.askedAtMs, model.node.nowMs) > 1) suspect(link, model.node.nowMs)
  }),
)

const joined = fc.tuple(download, peer, blocks, fc.nat(2)).map(([index, peer, blocks, speed]) =>
  inDownload(index, (found, model) => {
    const neighbour = model.node.neighbour(found, peer, { blocks, rate: speed * 1_000 })
    model.take(fillNeighbour(neighbour, model.node.nowMs))
  }),
)

const left = fc.tuple(download, peer, fc.boolean()).map(([index, peer, gone]) =>
  inDownload(index, (found, model) => {
    const requests = removeNeighbour(found, peer)
    if (gone) for (const request of requests) model.close(request)
  }),
)

const grew = fc.tuple(download, fc.nat(MAX_BLOCKS)).map(([index, blockCount]) =>
  inDownload(index, (found, model) => {
    found.blockCount = Math.max(found.blockCount, blockCount)
    found.mapComplete = found.blockCount > MAX_BLOCKS / 2
    model.take(fillDownload(found, model.node.nowMs))
  }),
)

const storedFromElsewhere = fc.tuple(download, fc.nat(MAX_BLOCKS - 1)).map(([index, block]) =>
  inDownload(index, (found, model) => {
    if (block >= found.blockCount) return
    found.have.add(block)
    for (const request of blockStored(found, block)) model.close(request)
  }),
)

const ended = download.map(index =>
  inDownload(index, (found, model) => {
    model.ended.add(found)
    for (const request of endDownload(found)) model.close(request)
  }),
)

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: delivered },
  { weight: 2, arbitrary: failed },
  { weight: 4, arbitrary: joined },
  { weight: 1, arbitrary: left },
  { weight: 3, arbitrary: grew },
  { weight: 1, arbitrary: storedFromElsewhere },
  {
    weight: 3,
    arbitrary: fc.tuple(download, peer, blocks).map(([index, peer, blocks]) =>
      withNeighbour(index, peer, (neighbour, model) => {
        addHoldings(neighbour, blocks)
        model.take(fillNeighbour(neighbour, model.node.nowMs))
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(download, peer, blocks)
      .map(([index, peer, blocks]) => withNeighbour(index, peer, neighbour => dropHoldings(neighbour, blocks))),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(download, blocks).map(([index, blocks]) =>
      inDownload(index, (found, model) => {
        for (const block of blocks) if (!found.have.has(block)) found.grants.add(block)
        model.take(fillDownload(found, model.node.nowMs))
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(download, fc.array(fc.nat(MAX_BLOCKS + 4), { maxLength: 3 })).map(([index, heads]) =>
      inDownload(index, found => {
        found.heads = heads
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(50, 12_000).map(ms => (model: Model) => {
      model.node.nowMs += ms
    }),
  },
)

/** Now and then a download ends, but not often: most of a run should have all of them. */
const run = fc.array(fc.oneof({ weight: 40, arbitrary: action }, { weight: 1, arbitrary: ended }), {
  minLength: 1,
  maxLength: 120,
})

test('whatever happens, every request may be made, and the books are right', () => {
  fc.assert(
    fc.property(run, actions => {
      const model = new Model()
      for (const act of actions) {
        act(model)
        model.check()
      }
      model.fillAll()
      model.check()
    }),
    { numRuns: 300 },
  )
})

test('every request is closed once, and then no link has anything open', () => {
  fc.assert(
    fc.property(run, actions => {
      const model = new Model()
      for (const act of actions) act(model)
      const made = model.closed + model.open.length
      for (const request of [...model.open]) model.close(request)
      expect(model.closed).toBe(made)
      model.check()
    }),
    { numRuns: 200 },
  )
})

test('the same events lead to the same requests', () => {
  fc.assert(
    fc.property(run, actions => {
      const [one, other] = [new Model(), new Model()]
      for (const act of actions) for (const model of [one, other]) act(model)
      const made = ({ open }: Model) => open.map(({ neighbour, block }) => `${neighbour.link.peer}:${block}`)
      expect(made(one)).toEqual(made(other))
    }),
    { numRuns: 100 },
  )
})

test('every swarm ends with everything everywhere, in whatever order blocks come and requests fail', () => {
  fc.assert(
    fc.property(
      fc.record({
        nodes: fc.integer({ min: 3, max: 6 }),
        tasks: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 3 }),
        seed: fc.integer(),
        failureEvery: fc.constantFrom(0, 3, 20),
      }),
      swarm => {
        const { unfinished, duplicates } = runPickerSwarm(swarm)
        expect(unfinished).toEqual([])
        expect(duplicates).toBe(0)
      },
    ),
    { numRuns: 200 },
  )
})
