import { allAsked } from './download.ts'
import { expectedMs, isSuspect } from './link.ts'
import { lot, mix } from './mix.ts'
import type { BlockRequest, Download, Neighbour } from './state.ts'

/** Blocks compared for rarity in one choice: the rarest of so many drawn at random is rare enough. */
const CANDIDATES = 64

/**
 * How far ahead of a reader blocks come before all others: the larger of the two. About what a node has asked for at any time,
 * so that a reader is kept going and nodes still get what is rare (docs/decisions/0010).
 */
const WINDOW_BLOCKS = 16
const WINDOW_BYTES = 8 * 1024 * 1024

/** Peers asked for one block at once, at most. */
const MAX_SOURCES = 2

/**
 * A second source must be expected to deliver this much sooner than the first. Sooner still for what a reader waits for while
 * other blocks are to be had: what comes twice takes the place of something new.
 */
const WORTHWHILE = 2
const WORTHWHILE_FOR_READERS = 4

/** A link this much slower than the average of a download's links is not asked for what a reader waits for. */
const SLOW = 0.5

/** No block. */
export const NONE = -1

/**
 * The block to ask this neighbour for next, or `NONE`: what a reader waits for, then the rarest in the readers' windows, then the
 * rarest of all, equals by lot; at the end a second source for what another peer is slow to deliver. Of the supernode: the first
 * granted block. O(blocks ÷ 8) at worst, far less while much is to be had. Changes nothing but the seed.
 */
export function chooseBlock(neighbour: Neighbour, nowMs: number): number {
  const { download, link } = neighbour
  if (neighbour === download.supernode) return chooseGranted(download)
  if (isSuspect(link, nowMs)) return chooseLastResort(neighbour, nowMs)
  const head = chooseHead(neighbour, nowMs)
  if (head !== NONE) return head
  const byteCount = Math.ceil(download.blockCount / 8)
  const windowBytes = Math.ceil(Math.max(WINDOW_BLOCKS, WINDOW_BYTES / download.blockSizeBytes) / 8)
  for (const from of download.heads) {
    const at = from >>> 3
    const urgent = rarest(neighbour, at, Math.min(byteCount, at + windowBytes))
    if (urgent !== NONE) return urgent
  }
  const any = rarest(neighbour, 0, byteCount)
  return any === NONE && download.mapComplete && allAsked(download) ? chooseSlowest(neighbour, nowMs) : any
}

/** A block that has no open request, or one that a neighbour does not deliver: then the supernode is the seed of last resort. */
function chooseGranted(download: Download): number {
  let best = NONE
  for (const block of download.grants) {
    if (block >= download.blockCount || download.have.has(block)) continue
    const open = download.requests.get(block)
    if (open !== undefined && (open.length >= MAX_SOURCES || open.some(isOfSupernode))) continue
    if (best === NONE || block < best) best = block
  }
  return best
}

function isOfSupernode({ neighbour }: { readonly neighbour: Neighbour }): boolean {
  return neighbour === neighbour.download.supernode
}

function chooseHead(neighbour: Neighbour, nowMs: number): number {
  const { download, has, link } = neighbour
  for (const from of download.heads) {
    const head = download.have.firstClear(from)
    if (head >= download.blockCount || !has.has(head)) continue
    if (download.asked.has(head)) {
      if (isWorthwhile(neighbour, head, nowMs, WORTHWHILE_FOR_READERS)) return head
    } else if (!isSlow(neighbour) || link.requests === 0 || !isOfferedByOthers(neighbour, head, nowMs)) return head
  }
  return NONE
}

/** The rarest open block of the bytes `from` ≤ at < `to` of the inventory, begun at a random place. */
function rarest(neighbour: Neighbour, from: number, to: number): number {
  const { download, has } = neighbour
  const length = to - from
  if (length <= 0) return NONE
  const { have, asked, holders, blockCount } = download
  download.seed = (download.seed + 1) | 0
  const random = mix(download.seed, length)
  let at = from + (random % length)
  let best = NONE
  let bestHolders = Number.POSITIVE_INFINITY
  let seen = 0
  let equals = 0
  for (let step = 0; step < length && seen < CANDIDATES; step++) {
    for (let bits = has.byteAt(at) & ~have.byteAt(at) & ~asked.byteAt(at); bits !== 0; bits &= bits - 1) {
      const block = at * 8 + Math.clz32(bits & -bits) - 24
      if (block >= blockCount) continue
      seen++
      const held = holders[block] ?? 0
      if (held > bestHolders) continue
      equals = held === bestHolders ? equals + 1 : 1
      if (lot(random, equals)) best = block
      bestHolders = held
    }
    if (++at === to) at = from
  }
  return best
}

/** What has been asked for elsewhere and will take longest to come, where asking here is worthwhile. */
function chooseSlowest(neighbour: Neighbour, nowMs: number): number {
  const { download, has } = neighbour
  let slowest = NONE
  let longestMs = 0
  for (const [block, [first]] of download.requests) {
    if (first === undefined || !has.has(block) || !isWorthwhile(neighbour, block, nowMs, WORTHWHILE)) continue
    const waitMs = leftMs(first, nowMs)
    if (waitMs > longestMs) {
      slowest = block
      longestMs = waitMs
    }
  }
  return slowest
}

/** Whether this neighbour, asked as well for a block that another has been asked for, would probably be `factor` times as soon. */
function isWorthwhile({ download, link }: Neighbour, block: number, nowMs: number, factor: number): boolean {
  const open = download.requests.get(block)
  const first = open?.[0]
  if (first === undefined || first.delivered || first.neighbour.link === link || open?.length !== 1) return false
  // One that has delivered nothing yet is left its time.
  if (first.neighbour.link.rateBytesPerMs === 0) return false
  return expectedMs(link, download.blockSizeBytes) * factor < leftMs(first, nowMs)
}

/** How long a request will still take, in ms. One that is late is expected to take as long again as it is late. */
function leftMs({ neighbour: { link }, askedAtMs }: BlockRequest, nowMs: number): number {
  return Math.abs(expectedMs(link, 0) - (nowMs - Math.max(askedAtMs, link.deliveredAtMs)))
}

/** A suspect gets one request at a time, for what nobody else offers. */
function chooseLastResort(neighbour: Neighbour, nowMs: number): number {
  const { download, has, link } = neighbour
  if (link.requests > 0) return NONE
  for (const block of has) {
    if (block >= download.blockCount) return NONE
    if (download.have.has(block) || download.asked.has(block)) continue
    if (!isOfferedByOthers(neighbour, block, nowMs)) return block
  }
  return NONE
}

function isOfferedByOthers(neighbour: Neighbour, block: number, nowMs: number): boolean {
  for (const other of neighbour.download.neighbours.values()) {
    if (other !== neighbour && other.has.has(block) && !isSuspect(other.link, nowMs)) return true
  }
  return false
}

function isSlow({ download, link }: Neighbour): boolean {
  if (link.rateBytesPerMs === 0) return false
  let sum = 0
  let measured = 0
  for (const { link: other } of download.neighbours.values()) {
    if (other.rateBytesPerMs === 0) continue
    sum += other.rateBytesPerMs
    measured++
  }
  return link.rateBytesPerMs * measured < sum * SLOW
}
