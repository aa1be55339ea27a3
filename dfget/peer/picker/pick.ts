import { isOpen, openCandidates, rarestFirst, urgentCandidates } from './candidates.ts'
import { ask, createDraft, type Draft, request } from './sources.ts'
import type { BlockRequest, PickView } from './view.ts'

/** Peers asked for one block at once, at most. */
const MAX_SOURCES_PER_BLOCK = 2

/** The supernode is asked for granted blocks only, and nobody else has them: it may be asked for this much more at once. */
const SUPERNODE_FACTOR = 2

/**
 * Chooses the next requests, in the order in which to send them: granted blocks from the supernode, then what each reader needs
 * next, then the readers' windows rarest first, then everything rarest first, and at the end a second source for what is still
 * in flight. A pure function: no clock, no I/O; the same view gives the same requests.
 */
export function pick(view: PickView): readonly BlockRequest[] {
  const draft = createDraft(view)
  if (draft.free > 0) pickGranted(draft)
  if (draft.free > 0) pickHeads(draft)
  if (draft.free > 0) pickAll(draft, urgentCandidates(draft))
  // A candidate may fail while others fill up its sources, and a sample may be smaller than what is free.
  while (draft.free > 0 && pickAll(draft, openCandidates(draft))) {}
  if (draft.free > 0) pickSecondSources(draft)
  return draft.requests
}

function pickGranted(draft: Draft): void {
  const { view } = draft
  let room = view.maxInFlightPerPeer * SUPERNODE_FACTOR
  for (const peers of view.inFlight.values()) if (peers.includes(view.supernode)) room--
  for (const block of [...view.grants].sort((a, b) => a - b)) {
    if (room <= 0 || draft.free <= 0) return
    if (block >= view.blockCount || view.have.has(block)) continue
    // A neighbour may have been asked before the supernode stepped in as the seed of last resort.
    const already = view.inFlight.get(block) ?? []
    if (already.length >= MAX_SOURCES_PER_BLOCK || already.includes(view.supernode)) continue
    request(draft, view.supernode, block)
    room--
  }
}

/** The first missing block of each window. */
function pickHeads(draft: Draft): void {
  const { heads, window, have, blockCount } = draft.view
  for (const head of heads) {
    const block = have.firstClear(head)
    if (block < Math.min(head + window, blockCount) && isOpen(draft, block)) ask(draft, block)
  }
}

/** @returns whether any of the blocks could be asked for */
function pickAll(draft: Draft, blocks: readonly number[]): boolean {
  const before = draft.free
  for (const block of rarestFirst(draft, blocks)) {
    if (draft.free <= 0) break
    ask(draft, block)
  }
  return draft.free < before
}

/** End game: when all that is known and missing has been asked for, the heads first, then in order. O(blocks in flight). */
function pickSecondSources(draft: Draft): void {
  const { view } = draft
  if (!view.mapComplete) return
  const waiting = [...view.inFlight.keys()].filter(block => block < view.blockCount && !view.have.has(block))
  const askedAnew = [...draft.asked].filter(block => !view.inFlight.has(block)).length
  if (view.have.count + waiting.length + askedAnew < view.blockCount) return
  const heads = new Set(view.heads.map(head => view.have.firstClear(head)))
  waiting.sort((a, b) => Number(heads.has(b)) - Number(heads.has(a)) || a - b)
  for (const block of waiting) {
    if (draft.free <= 0) return
    const sources = view.inFlight.get(block)?.length ?? 0
    if (sources < MAX_SOURCES_PER_BLOCK && !draft.asked.has(block)) ask(draft, block)
  }
}
