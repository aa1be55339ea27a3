import { connectToSomebodyAhead } from './extra-neighbours.ts'
import { requeueMember } from './grant-queue.ts'
import { isDownloading } from './inventory.ts'
import type { Outbox } from './outbox.ts'
import { nextBelow } from './random.ts'
import { everybodyOn } from './rings.ts'
import type { Island, Member, SchedulerState } from './state.ts'

/** The time over which the rate of a member is averaged, and how often laggards are looked for. */
const AVERAGE_MS = 1_000

/** A member lags that gets less than this part of what is typical. */
const LAGGING = 0.8

/** A member that came later than this ago is still starting. */
const STARTING_MS = 1_500

/** Members drawn to find out what is typical, and the fewest that can tell. */
const DRAWS = 32
const MIN_DRAWN = 8

/** Where fewer blocks than this come in `AVERAGE_MS`, chance alone makes laggards. */
const MIN_BLOCKS = 16

/** A member has said that it got so many blocks since it said so last. */
export function noteGain({ nowMs }: SchedulerState, member: Member, blocks: number): void {
  const forMs = Math.max(1, nowMs - member.gainedAtMs)
  const weight = member.blocksPerMs === 0 ? 1 : 1 - Math.exp(-forMs / AVERAGE_MS)
  member.blocksPerMs += weight * (blocks / forMs - member.blocksPerMs)
  member.gainedAtMs = nowMs
}

/**
 * Whoever gets markedly less than most, because its neighbours are slow or busy with others, gets one extra neighbour a second.
 * Those that get enough do not, however much more they could take: they would only take it from the rest. Laggards are granted
 * blocks only while nobody else has room. O(members) a second.
 */
export function helpLaggards(state: SchedulerState, island: Island, outbox: Outbox): void {
  if (state.nowMs - island.laggardsAtMs < AVERAGE_MS) return
  island.laggardsAtMs = state.nowMs
  const typical = typicalRate(state, island)
  for (const member of everybodyOn(island.rings)) {
    const lags = doesLag(state, member, typical)
    if (lags) connectToSomebodyAhead(state, member, outbox)
    if (lags === member.lags) continue
    member.lags = lags
    requeueMember(island.queue, member)
  }
}

function doesLag({ nowMs }: SchedulerState, member: Member, typical: number): boolean {
  if (typical * AVERAGE_MS < MIN_BLOCKS || nowMs - member.joinedAtMs < STARTING_MS) return false
  return isDownloading(member) && member.blocksPerMs < typical * LAGGING
}

/** The median of what some members get, in blocks per ms; 0 where too few are downloading. */
function typicalRate(state: SchedulerState, { rings }: Island): number {
  const all = everybodyOn(rings)
  const rates: number[] = []
  for (let draw = 0; draw < DRAWS; draw++) {
    const member = all[nextBelow(state.random, all.length)]
    if (member !== undefined && isDownloading(member)) rates.push(member.blocksPerMs)
  }
  if (rates.length < MIN_DRAWN) return 0
  rates.sort((a, b) => a - b)
  return rates[rates.length >> 1] ?? 0
}
