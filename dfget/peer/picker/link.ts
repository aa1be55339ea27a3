import type { Link, Links } from './state.ts'

/** How much of a new measurement goes into what is known of a link's speed. */
const NEWS_WEIGHT = 0.3

/** Requests open on a link: one block on its way and one to follow, and more where blocks are small. */
const MIN_REQUESTS = 2
const WINDOW_BYTES = 1024 * 1024

/**
 * Where a node has at least so many neighbours, what one takes longer for is not asked ahead: on a narrow link it would all come late, and
 * what is new in the swarm after it. With fewer a link would idle while a request is on its way.
 */
const MANY_NEIGHBOURS = 4
const LATE_MS = 300

/** What a fast peer delivers in this time is asked for ahead, so that it does not run dry while either process is busy with other things. */
const AHEAD_MS = 10
const MOST_AHEAD_BYTES = 8 * 1024 * 1024

/** How long a peer that stalled or failed is asked only when nobody else can be. */
const SUSPECT_MS = 10_000

/** The link to a peer, made when there is none yet. */
export function linkTo(links: Links, peer: string): Link {
  const known = links.get(peer)
  if (known !== undefined) return known
  const link: Link = {
    peer,
    users: [],
    requests: 0,
    requestedBytes: 0,
    rateBytesPerMs: 0,
    deliveredAtMs: Number.NEGATIVE_INFINITY,
    failures: 0,
    failedAtMs: Number.NEGATIVE_INFINITY,
    suspectUntilMs: Number.NEGATIVE_INFINITY,
  }
  links.set(peer, link)
  return link
}

/** Forgets a link that carries nothing any more and has nothing against it. */
export function dropIdleLink(links: Links, link: Link, nowMs: number): void {
  if (link.users.length === 0 && link.requests === 0 && !isSuspect(link, nowMs)) links.delete(link.peer)
}

/**
 * Whether one more block may be asked for. A peer sends one block after the other, so a second request keeps it busy unless it is
 * very fast or slow, and a third would only fix a choice too early. One that has delivered nothing yet shows first what it can do.
 */
export function hasRoom(link: Link, blockBytes: number): boolean {
  if (link.requests === 0) return true
  if (link.rateBytesPerMs === 0) return false
  if (link.requestedBytes > LATE_MS * link.rateBytesPerMs && isOneOfMany(link)) return false
  const aheadBytes = Math.min(AHEAD_MS * link.rateBytesPerMs, MOST_AHEAD_BYTES)
  return link.requests < MIN_REQUESTS || link.requestedBytes + blockBytes <= Math.max(WINDOW_BYTES, aheadBytes)
}

function isOneOfMany({ users }: Link): boolean {
  return users.some(({ download }) => download.neighbours.size >= MANY_NEIGHBOURS)
}

/** Whether the peer is to be asked only when nobody else can be. */
export function isSuspect(link: Link, nowMs: number): boolean {
  return link.suspectUntilMs > nowMs
}

/** Whether the peer delivered a block so lately that its silence is rather that of a full link, or of an upload that has to wait. */
export function isDelivering(link: Link, nowMs: number): boolean {
  return nowMs - link.deliveredAtMs < SUSPECT_MS
}

/** Notes that the peer stalled or failed. */
export function suspect(link: Link, nowMs: number): void {
  link.suspectUntilMs = nowMs + SUSPECT_MS
}

/**
 * Notes a delivered block. With several requests open, the time counts from the delivery before. What is averaged is the time that
 * a byte takes: two blocks that are read at once after a wait would make an average of rates many times too high.
 */
export function noteDelivery(link: Link, bytes: number, askedAtMs: number, nowMs: number): void {
  const msPerByte = Math.max(0.1, nowMs - Math.max(askedAtMs, link.deliveredAtMs)) / Math.max(1, bytes)
  const knownMsPerByte = link.rateBytesPerMs === 0 ? msPerByte : 1 / link.rateBytesPerMs
  link.rateBytesPerMs = 1 / (knownMsPerByte + NEWS_WEIGHT * (msPerByte - knownMsPerByte))
  link.deliveredAtMs = nowMs
  link.failures = 0
}

/** Notes a request that came to nothing. @returns how many in a row */
export function noteFailure(link: Link, askedAtMs: number, nowMs: number): number {
  if (askedAtMs >= link.failedAtMs) {
    link.failures++
    link.failedAtMs = nowMs
  }
  return link.failures
}

/** How long a block would take that is asked for now, in ms; infinite while nothing is known. */
export function expectedMs(link: Link, blockBytes: number): number {
  return link.rateBytesPerMs === 0 ? Number.POSITIVE_INFINITY : (link.requestedBytes + blockBytes) / link.rateBytesPerMs
}
