import { mix } from './mix.ts'
import type { BlockRequest, NeighbourView, PickView } from './view.ts'

/** A neighbour with what this call has asked it for already. */
export interface Source {
  readonly view: NeighbourView
  /** Its inventory, most significant bit first, without trailing zero bytes. */
  readonly bits: Uint8Array
  readonly rateBytesPerMs: number
  inFlight: number
}

/** The requests made so far, and what is left to make. */
export interface Draft {
  readonly view: PickView
  readonly sources: readonly Source[]
  readonly requests: BlockRequest[]
  /** Blocks asked for by this call. */
  readonly asked: Set<number>
  /** Requests that may still be made. */
  free: number
}

/** Starts a draft. O(neighbours × blocks ÷ 8) bytes copied. */
export function createDraft(view: PickView): Draft {
  let inFlight = 0
  for (const peers of view.inFlight.values()) inFlight += peers.length
  const measured = view.neighbours.map(neighbour => neighbour.rateBytesPerMs).filter(rate => rate > 0)
  const meanRate = measured.reduce((sum, rate) => sum + rate, 0) / measured.length
  const sources = view.neighbours.map(neighbour => ({
    view: neighbour,
    bits: neighbour.has.toBytes(),
    // One that has not been tried is taken to be average, or it never would be.
    rateBytesPerMs: neighbour.rateBytesPerMs > 0 ? neighbour.rateBytesPerMs : meanRate || 1,
    inFlight: neighbour.inFlight,
  }))
  return { view, sources, requests: [], asked: new Set(), free: Math.max(0, view.maxInFlight - inFlight) }
}

/** Whether the source may be asked for one more block. */
export function hasRoom(draft: Draft, source: Source): boolean {
  return source.inFlight < draft.view.maxInFlightPerPeer
}

/** Whether the source holds the block. */
export function holds(source: Source, block: number): boolean {
  return ((source.bits[block >>> 3] ?? 0) & (0x80 >>> (block & 7))) !== 0
}

/** How many neighbours hold the block, busy ones too. */
export function rarity(draft: Draft, block: number): number {
  let count = 0
  for (const source of draft.sources) if (holds(source, block)) count++
  return count
}

/**
 * Asks the neighbour that will probably deliver the block first: the smallest (in flight + 1) ÷ rate of those that hold it, have
 * room and have not been asked; suspects last; equals by lot. @returns whether there was one
 */
export function ask(draft: Draft, block: number): boolean {
  if (draft.free <= 0) return false
  const already = draft.view.inFlight.get(block) ?? []
  let best: Source | undefined
  for (const source of draft.sources) {
    if (!hasRoom(draft, source) || !holds(source, block) || already.includes(source.view.peer)) continue
    if (best === undefined || isBetter(draft, source, best, block)) best = source
  }
  if (best === undefined) return false
  best.inFlight++
  request(draft, best.view.peer, block)
  return true
}

/** Adds a request. */
export function request(draft: Draft, peer: string, block: number): void {
  draft.requests.push({ peer, block })
  draft.asked.add(block)
  draft.free--
}

function isBetter(draft: Draft, a: Source, b: Source, block: number): boolean {
  if (a.view.suspect !== b.view.suspect) return b.view.suspect
  const waitOfA = (a.inFlight + 1) / a.rateBytesPerMs
  const waitOfB = (b.inFlight + 1) / b.rateBytesPerMs
  if (waitOfA !== waitOfB) return waitOfA < waitOfB
  const { randomSeed } = draft.view
  return mix(randomSeed ^ block, draft.sources.indexOf(a)) < mix(randomSeed ^ block, draft.sources.indexOf(b))
}
