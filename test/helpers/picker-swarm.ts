import { createDownload } from '../../dfget/peer/picker/download.ts'
import { fillDownload, fillLink, fillNeighbour } from '../../dfget/peer/picker/fill.ts'
import { linkTo, noteDelivery, suspect } from '../../dfget/peer/picker/link.ts'
import { mix } from '../../dfget/peer/picker/mix.ts'
import { addHoldings, addNeighbour } from '../../dfget/peer/picker/neighbours.ts'
import { blockStored, closeRequest } from '../../dfget/peer/picker/requests.ts'
import type { BlockRequest, Download, Links } from '../../dfget/peer/picker/state.ts'
import { Bitfield } from '../../protocol/bitfield.ts'
import { bitfieldOf, range } from './scheduler-fixture.ts'

/** A swarm without time or bytes: requests are answered in any order, as the seed has it. */
export interface PickerSwarm {
  readonly nodes: number
  /** How many blocks each task has. */
  readonly tasks: readonly number[]
  readonly seed: number
  /** Of how many requests one fails, on average; never when it is 0. */
  readonly failureEvery: number
}

/** What became of a swarm. */
export interface PickerSwarmResult {
  /** Tasks of nodes that miss blocks, although nothing moves any more. */
  readonly unfinished: readonly string[]
  /** Blocks that came to a node that had them already. */
  readonly duplicates: number
  readonly requests: number
}

interface Node {
  readonly id: string
  readonly links: Links
  readonly downloads: readonly Download[]
}

const BLOCK_BYTES = 1024 * 1024
const SUPERNODE = 'supernode'
/** As long as a suspicion lasts. */
const SUSPECT_MS = 10_000

/** Runs a ring of nodes, to one of which the supernode grants each block, until nothing moves any more. */
export function runPickerSwarm({ nodes: count, tasks, seed, failureEvery }: PickerSwarm): PickerSwarmResult {
  let step = 0
  const random = (below: number) => mix(seed, step++) % below
  let nowMs = 0
  const open: BlockRequest[] = []
  const send = (requests: readonly BlockRequest[]) => open.push(...requests)
  const nodes = range(count).map(index => createNode(`node-${index}`, tasks, seed + index))
  const nodeOf = new Map(nodes.flatMap(node => node.downloads.map(download => [download, node] as const)))
  let duplicates = 0
  let requests = 0

  function grant(task: number, block: number): void {
    const download = nodes[random(count)]?.downloads[task]
    if (download === undefined || download.have.has(block)) return
    download.grants.add(block)
    send(fillNeighbour(download.supernode, nowMs))
  }

  function end(request: BlockRequest): void {
    const at = open.indexOf(request)
    if (at >= 0) open.splice(at, 1)
    closeRequest(request)
  }

  function deliver(request: BlockRequest): void {
    const { block, neighbour } = request
    const { download, link } = neighbour
    end(request)
    noteDelivery(link, BLOCK_BYTES, request.askedAtMs, nowMs)
    if (!download.have.add(block)) duplicates++
    for (const other of blockStored(download, block)) end(other)
    tellNeighbours(download, block)
    send(fillLink(link, nowMs))
  }

  function tellNeighbours(download: Download, block: number): void {
    const teller = nodeOf.get(download)
    const task = teller?.downloads.indexOf(download) ?? 0
    for (const { downloads } of nodes) {
      const known = downloads[task]?.neighbours.get(teller?.id ?? '')
      if (known === undefined) continue
      addHoldings(known, [block])
      send(fillNeighbour(known, nowMs))
    }
  }

  function fail(request: BlockRequest): void {
    const { neighbour, block } = request
    const { download } = neighbour
    end(request)
    if (neighbour === download.supernode) {
      download.grants.delete(block)
      grant(nodeOf.get(download)?.downloads.indexOf(download) ?? 0, block)
    } else if (random(2) === 0) suspect(neighbour.link, nowMs)
    send(fillDownload(download, nowMs))
  }

  function fillAll(): void {
    for (const { downloads } of nodes) for (const download of downloads) send(fillDownload(download, nowMs))
  }

  for (const [index, node] of nodes.entries()) {
    for (const other of new Set([nodes[(index + 1) % count], nodes[(index + count - 1) % count]])) {
      if (other === undefined || other === node) continue
      for (const download of node.downloads) addNeighbour(download, linkTo(node.links, other.id), new Bitfield())
    }
  }
  for (const [task, blocks] of tasks.entries()) for (const block of range(blocks)) grant(task, block)

  while (open.length > 0) {
    requests++
    nowMs += random(50)
    const request = open[random(open.length)]
    if (request === undefined) break
    if (failureEvery > 0 && random(failureEvery) === 0) fail(request)
    else deliver(request)
    if (open.length > 0) continue
    // What only suspects hold is asked for at the latest when they are forgiven.
    nowMs += SUSPECT_MS
    fillAll()
  }
  const unfinished = nodes.flatMap(node =>
    node.downloads.filter(({ have, blockCount }) => have.count < blockCount).map(() => node.id),
  )
  return { unfinished, duplicates, requests }
}

function createNode(id: string, tasks: readonly number[], seed: number): Node {
  const links: Links = new Map()
  const downloads = tasks.map((blocks, task) => {
    const download = createDownload({
      have: bitfieldOf([]),
      blockSizeBytes: BLOCK_BYTES,
      supernode: linkTo(links, SUPERNODE),
      background: task % 2 === 1,
      seed: seed + task,
    })
    download.blockCount = blocks
    download.mapComplete = true
    download.heads = [0]
    return download
  })
  return { id, links, downloads }
}
