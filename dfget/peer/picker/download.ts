import { Bitfield } from '../../../protocol/bitfield.ts'
import type { Download, Link, Neighbour } from './state.ts'

/** What a download starts from. */
export interface DownloadInit {
  readonly have: Bitfield
  readonly blockSizeBytes: number
  readonly supernode: Link
  readonly background?: boolean
  /** Any integer; different ones make nodes choose differently among equals. */
  readonly seed: number
}

/** A download that knows no block and no neighbour yet. */
export function createDownload({ supernode, have, blockSizeBytes, background, seed }: DownloadInit): Download {
  const download: Download = {
    have,
    blockSizeBytes,
    background: background ?? false,
    blockCount: 0,
    mapComplete: false,
    neighbours: new Map(),
    get supernode() {
      return ofSupernode
    },
    grants: new Set(),
    requests: new Map(),
    asked: new Bitfield(),
    holders: new Uint8Array(64),
    heads: [],
    seed,
  }
  const ofSupernode: Neighbour = { link: supernode, download, has: new Bitfield() }
  supernode.users.push(ofSupernode)
  return download
}

/** Whether blocks are under way, or could be asked for if the links had room. O(blocks ÷ 8 × neighbours) at worst. */
export function wantsBlocks(download: Download): boolean {
  const { requests, grants, neighbours, have, asked, blockCount } = download
  if (requests.size > 0) return true
  for (const block of grants) if (block < blockCount && !have.has(block)) return true
  const byteCount = Math.ceil(blockCount / 8)
  for (const { has } of neighbours.values()) {
    for (let at = 0; at < byteCount; at++)
      if ((has.byteAt(at) & ~have.byteAt(at) & ~asked.byteAt(at)) !== 0) return true
  }
  return false
}

/** Whether all blocks that are known are here or asked for. */
export function allAsked(download: Download): boolean {
  return download.have.count + download.requests.size >= download.blockCount
}
