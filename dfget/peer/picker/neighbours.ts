import type { Bitfield } from '../../../protocol/bitfield.ts'
import { isSuspect } from './link.ts'
import { requestsOf } from './requests.ts'
import type { BlockRequest, Download, Link, Neighbour } from './state.ts'

/** A peer shows what it holds, for the first time or anew. `has` is kept. */
export function addNeighbour(download: Download, link: Link, has: Bitfield): Neighbour {
  const known = download.neighbours.get(link.peer)
  if (known !== undefined) {
    addHoldings(known, has)
    return known
  }
  const neighbour: Neighbour = { link, download, has }
  download.neighbours.set(link.peer, neighbour)
  link.users.push(neighbour)
  for (const block of has) count(download, block, 1)
  return neighbour
}

/** Ends a neighbourhood. @returns its open requests, which the caller ends */
export function removeNeighbour(download: Download, peer: string): readonly BlockRequest[] {
  const neighbour = download.neighbours.get(peer)
  if (neighbour === undefined) return []
  download.neighbours.delete(peer)
  leaveLink(neighbour)
  for (const block of neighbour.has) count(download, block, -1)
  return requestsOf(neighbour)
}

/** A neighbour holds more blocks. The caller has checked that they can exist. */
export function addHoldings(neighbour: Neighbour, blocks: Iterable<number>): void {
  for (const block of blocks) if (neighbour.has.add(block)) count(neighbour.download, block, 1)
}

/** A neighbour holds fewer blocks. */
export function dropHoldings(neighbour: Neighbour, blocks: Iterable<number>): void {
  for (const block of blocks) if (neighbour.has.delete(block)) count(neighbour.download, block, -1)
}

/** Those of the blocks that a neighbour is not known to hold; all of them when it is not known itself. */
export function lackedBy(neighbour: Neighbour | undefined, blocks: readonly number[]): number[] {
  return blocks.filter(block => neighbour?.has.has(block) !== true)
}

/** The download is over: its links carry it no longer. @returns its open requests, which the caller ends */
export function endDownload(download: Download): readonly BlockRequest[] {
  for (const neighbour of download.neighbours.values()) leaveLink(neighbour)
  leaveLink(download.supernode)
  return [...download.requests.values()].flat()
}

/** Whether a neighbour that can be asked holds the block. One that is not known yet cannot be asked for. */
export function isOffered(download: Download, block: number, nowMs: number): boolean {
  if (block >= download.blockCount) return false
  for (const { link, has } of download.neighbours.values()) if (has.has(block) && !isSuspect(link, nowMs)) return true
  return false
}

function leaveLink(neighbour: Neighbour): void {
  const { users } = neighbour.link
  const at = users.indexOf(neighbour)
  if (at >= 0) users.splice(at, 1)
}

function count(download: Download, block: number, change: 1 | -1): void {
  if (block >= download.holders.length) {
    const grown = new Uint8Array(Math.max(block + 1, download.holders.length * 2))
    grown.set(download.holders)
    download.holders = grown
  }
  download.holders[block] = (download.holders[block] ?? 0) + change
}
