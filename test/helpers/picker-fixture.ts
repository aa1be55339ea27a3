import { createDownload } from '../../dfget/peer/picker/download.ts'
import { fillLink } from '../../dfget/peer/picker/fill.ts'
import { linkTo, noteDelivery, suspect } from '../../dfget/peer/picker/link.ts'
import { addNeighbour } from '../../dfget/peer/picker/neighbours.ts'
import { blockStored, closeRequest } from '../../dfget/peer/picker/requests.ts'
import type { BlockRequest, Download, Link, Links, Neighbour } from '../../dfget/peer/picker/state.ts'
import { bitfieldOf, range } from './scheduler-fixture.ts'

/** The block size of the fixture's downloads: two of them fill a link. */
export const PICKER_BLOCK_BYTES = 1024 * 1024

/** What a neighbour delivers in bytes per millisecond unless a test says otherwise: a block in 100 ms. */
export const PICKER_RATE = PICKER_BLOCK_BYTES / 100

/** How a download of the fixture differs from one of 16 blocks that has nothing. */
export interface PickerDownload {
  readonly blocks?: number
  readonly blockSizeBytes?: number
  readonly have?: Iterable<number>
  readonly heads?: readonly number[]
  readonly grants?: Iterable<number>
  readonly mapComplete?: boolean
  readonly background?: boolean
  readonly seed?: number
}

/** The links and downloads of one node, with shorthands for what tests do to them. */
export class PickerFixture {
  readonly links: Links = new Map()
  nowMs = 1_000

  /** The link to the supernode, which has delivered before. */
  get supernode(): Link {
    return this.#linkTo('supernode', PICKER_RATE)
  }

  download(init: PickerDownload = {}): Download {
    const download = createDownload({
      have: bitfieldOf(init.have ?? []),
      blockSizeBytes: init.blockSizeBytes ?? PICKER_BLOCK_BYTES,
      supernode: this.supernode,
      background: init.background ?? false,
      seed: init.seed ?? 1,
    })
    download.blockCount = init.blocks ?? 16
    download.mapComplete = init.mapComplete ?? true
    download.heads = init.heads ?? []
    for (const block of init.grants ?? []) download.grants.add(block)
    return download
  }

  /** A neighbour that holds these blocks, or all; of ordinary speed unless told otherwise. */
  neighbour(
    download: Download,
    peer: string,
    { blocks, rate = PICKER_RATE }: { readonly blocks?: Iterable<number>; readonly rate?: number } = {},
  ): Neighbour {
    return addNeighbour(download, this.#linkTo(peer, rate), bitfieldOf(blocks ?? range(download.blockCount)))
  }

  suspect(neighbour: Neighbour): void {
    suspect(neighbour.link, this.nowMs)
  }

  /** The block comes, as it should be, a while after the last. @returns requests for it that are not needed any more */
  deliver(request: BlockRequest, afterMs = 100): readonly BlockRequest[] {
    this.nowMs += afterMs
    const { link, download } = request.neighbour
    noteDelivery(link, download.blockSizeBytes, request.askedAtMs, this.nowMs)
    closeRequest(request)
    download.have.add(request.block)
    return blockStored(download, request.block)
  }

  /** Delivers whatever the link is asked for, in order, until nothing more is. @returns all that was asked for */
  drain(link: Link): BlockRequest[] {
    const all = fillLink(link, this.nowMs)
    for (const request of all) {
      this.deliver(request)
      all.push(...fillLink(link, this.nowMs))
    }
    return all
  }

  #linkTo(peer: string, rate: number): Link {
    const link = linkTo(this.links, peer)
    if (link.rateBytesPerMs === 0) link.rateBytesPerMs = rate
    return link
  }
}

/** The requests as `peer:block`, in order. */
export function asked(requests: readonly BlockRequest[]): string[] {
  return requests.map(({ neighbour, block }) => `${neighbour.link.peer}:${block}`)
}

/** The blocks that are asked for, in order. */
export function blocksAsked(requests: readonly BlockRequest[]): number[] {
  return requests.map(({ block }) => block)
}
