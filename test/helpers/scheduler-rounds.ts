import type { SchedulerEffect } from '../../supernode/scheduler/effect.ts'
import { range, SchedulerFixture, TASK } from './scheduler-fixture.ts'

const ROUND_MS = 100
const FROM_NEIGHBOURS_PER_ROUND = 2

/** A swarm in which nobody measures time: in each round every peer gets a block from the supernode and two from neighbours. */
export interface Rounds {
  readonly peers: number
  readonly blocks: number
  readonly seed: number
  /** Peers that take grants and never fetch from the supernode. */
  readonly deaf?: number
  /** Peers that leave for good, one a round from the fifth round on. */
  readonly leaving?: number
  readonly maxRounds: number
}

/** What became of a swarm. */
export interface RoundsResult {
  readonly rounds: number
  readonly grants: number
  /** Peers still there that miss blocks. */
  readonly unfinished: readonly string[]
  readonly effects: readonly SchedulerEffect[]
}

/** Runs a swarm on the scheduler's effects until everybody has everything. The origin delivers five blocks a round. */
export function runRounds(options: Rounds): RoundsResult {
  const scheduler = new SchedulerFixture({}, options.seed)
  const granted = new Map<string, number[]>()
  const log: SchedulerEffect[] = []
  let grants = 0
  const take = (effects: readonly SchedulerEffect[]) => {
    for (const effect of effects) {
      log.push(effect)
      if (effect.type !== 'grant') continue
      grants += effect.blocks.length
      granted.set(effect.peer, [...(granted.get(effect.peer) ?? []), ...effect.blocks])
    }
  }
  const names = range(options.peers).map(index => `peer-${index}`)
  const deaf = new Set(names.slice(0, options.deaf ?? 0))
  const leaving = names.slice(options.deaf ?? 0, (options.deaf ?? 0) + (options.leaving ?? 0))
  for (const peer of names) take(scheduler.join(peer))
  let round = 0
  let unfinished = names
  while (unfinished.length > 0 && round < options.maxRounds) {
    round++
    take(scheduler.ready(Math.min(options.blocks, round * 5)))
    if (round >= 5) for (const peer of leaving.splice(0, 1)) take(scheduler.apply({ type: 'peer-gone', peer }))
    const present = names.filter(peer => scheduler.task.members.has(peer))
    const fetched = present.map(peer => ({ peer, ...fetch(scheduler, peer, granted, deaf.has(peer), round) }))
    for (const { peer, got, stuck } of fetched) {
      if (got.length > 0) take(scheduler.have(peer, ...got))
      if (stuck.length > 0)
        take(scheduler.apply({ type: 'blocked', peer, task: TASK, blocks: stuck, now: scheduler.nowMs }))
    }
    take(scheduler.tick(ROUND_MS))
    unfinished = present.filter(peer => scheduler.member(peer).have.count < options.blocks)
  }
  return { rounds: round, grants, unfinished, effects: log }
}

/** What a peer gets in a round, by what its neighbours held before it, and what it misses and cannot find. */
function fetch(
  scheduler: SchedulerFixture,
  peer: string,
  granted: Map<string, number[]>,
  deaf: boolean,
  round: number,
) {
  const { have, neighbours } = scheduler.member(peer)
  const got: number[] = []
  const queue = (granted.get(peer) ?? []).filter(block => !have.has(block))
  granted.set(peer, queue)
  const fromSupernode = deaf ? undefined : queue[0]
  if (fromSupernode !== undefined) got.push(fromSupernode)
  const missing = range(scheduler.task.readyBlocks).filter(block => !have.has(block) && block !== fromSupernode)
  const offered = missing.filter(block => neighbours.some(neighbour => neighbour.have.has(block)))
  for (let index = 0; index < Math.min(FROM_NEIGHBOURS_PER_ROUND, offered.length); index++) {
    got.push(offered[(round * 7 + index) % offered.length] ?? 0)
  }
  const stuck = got.length > 0 || deaf ? [] : missing.filter(block => !queue.includes(block)).slice(0, 4)
  return { got, stuck: deaf && offered.length === 0 ? missing.slice(0, 4) : stuck }
}
