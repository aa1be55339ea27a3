import { mix } from './mix.ts'
import { type Draft, hasRoom, holds, rarity } from './sources.ts'

/** Blocks compared for rarity in one call. More than that are a sample, spread over the whole task. */
export const MAX_CANDIDATES = 256

/** Whether the block is known, missing, and nobody has been asked for it. */
export function isOpen(draft: Draft, block: number): boolean {
  const { view } = draft
  return block < view.blockCount && !view.have.has(block) && !view.inFlight.has(block) && !draft.asked.has(block)
}

/**
 * Up to `MAX_CANDIDATES` open blocks that a neighbour with room holds, from all over the task. Eight blocks are looked at with
 * one operation per neighbour, in an order that jumps through the task from a random place, and the walk ends with the last
 * candidate wanted: so a call costs at most neighbours × blocks ÷ 8 operations, far fewer while much is to be had, and no block
 * that could be fetched is ever overlooked.
 */
export function openCandidates(draft: Draft): number[] {
  const { view } = draft
  const sources = draft.sources.filter(source => hasRoom(draft, source))
  const byteCount = Math.ceil(view.blockCount / 8)
  const found: number[] = []
  if (sources.length === 0 || byteCount === 0) return found
  const mine = view.have.toBytes()
  const stride = coprimeStride(byteCount)
  let at = mix(view.randomSeed, byteCount) % byteCount
  for (let step = 0; step < byteCount && found.length < MAX_CANDIDATES; step++) {
    const missing = ~(mine[at] ?? 0) & 0xff
    if (missing !== 0) {
      let held = 0
      for (const source of sources) held |= source.bits[at] ?? 0
      for (let bits = held & missing; bits !== 0; bits &= bits - 1) {
        const block = at * 8 + Math.clz32(bits & -bits) - 24
        if (isOpen(draft, block)) found.push(block)
      }
    }
    at = (at + stride) % byteCount
  }
  return found
}

/** The open blocks of the windows that a neighbour with room holds, without the order of the file. O(heads × window). */
export function urgentCandidates(draft: Draft): number[] {
  const { heads, window, blockCount } = draft.view
  const sources = draft.sources.filter(source => hasRoom(draft, source))
  const found = new Set<number>()
  for (const head of heads) {
    for (let block = head; block < Math.min(head + window, blockCount); block++) {
      if (isOpen(draft, block) && sources.some(source => holds(source, block))) found.add(block)
    }
  }
  return [...found]
}

/** Rarest first, equals by lot. */
export function rarestFirst(draft: Draft, blocks: readonly number[]): number[] {
  return blocks
    .map(block => ({ block, rarity: rarity(draft, block), lot: mix(draft.view.randomSeed, block) }))
    .sort((a, b) => a.rarity - b.rarity || a.lot - b.lot || a.block - b.block)
    .map(({ block }) => block)
}

/** A step near the golden section of `length` that visits every place once. */
function coprimeStride(length: number): number {
  let stride = Math.max(1, Math.round(length * 0.618))
  while (commonDivisor(stride, length) !== 1) stride++
  return stride
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}
