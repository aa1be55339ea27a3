import { Bitfield } from '../../protocol/bitfield.ts'
import type { TaskId } from '../../protocol/task.ts'
import { apply } from '../../supernode/scheduler/apply.ts'
import type { SchedulerConfig } from '../../supernode/scheduler/config.ts'
import type { SchedulerEffect } from '../../supernode/scheduler/effect.ts'
import type { Labels, Priority, SchedulerEvent } from '../../supernode/scheduler/event.ts'
import {
  createSchedulerState,
  type Island,
  type Member,
  type SchedulerState,
  type Task,
} from '../../supernode/scheduler/state.ts'

/** The one task of a scheduler fixture. */
export const TASK = `sha256:${'a'.repeat(64)}` as TaskId

/** The block size of the fixture's task in bytes: the default grant window is four of them. */
export const BLOCK_BYTES = 1024 * 1024

/** The inventory of these blocks. */
export function bitfieldOf(blocks: Iterable<number>): Bitfield {
  const field = new Bitfield()
  for (const block of blocks) field.add(block)
  return field
}

/** The integers 0 ≤ n < `count`. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** How a peer joins. Where nothing is said it wants everything, holds nothing and has no labels. */
export interface Joining {
  readonly have?: Iterable<number>
  readonly wants?: boolean
  readonly priority?: Priority
  readonly labels?: Labels
}

/** A scheduler with one task, with shorthands for what tests do to it. */
export class SchedulerFixture {
  state: SchedulerState
  nowMs = 1_000

  constructor(config: Partial<SchedulerConfig> = {}, seed = 1) {
    this.state = createSchedulerState(seed, config)
    this.apply({ type: 'task-added', task: TASK, blockSizeBytes: BLOCK_BYTES })
  }

  apply(event: SchedulerEvent): readonly SchedulerEffect[] {
    const applied = apply(this.state, event)
    this.state = applied.state
    return applied.effects
  }

  /** A peer connects and joins. */
  join(peer: string, options: Joining = {}) {
    this.apply({ type: 'peer-connected', peer, labels: options.labels ?? {} })
    return this.rejoin(peer, options)
  }

  /** A peer that is connected joins, perhaps once more. */
  rejoin(peer: string, { have = [], wants = true, priority }: Omit<Joining, 'labels'> = {}) {
    return this.apply({ type: 'join', peer, task: TASK, have: bitfieldOf(have), wants, priority, now: this.nowMs })
  }

  leave(peer: string) {
    return this.apply({ type: 'leave', peer, task: TASK })
  }

  ready(upTo: number) {
    return this.apply({ type: 'blocks-ready', task: TASK, upTo, now: this.nowMs })
  }

  have(peer: string, ...blocks: number[]) {
    return this.apply({ type: 'have', peer, task: TASK, blocks, now: this.nowMs })
  }

  blocked(peer: string, ...blocks: number[]) {
    return this.apply({ type: 'blocked', peer, task: TASK, blocks, now: this.nowMs })
  }

  report(from: string, about: string, kind: 'corrupt' | 'stalled' | 'unreachable') {
    return this.apply({ type: 'report', from, task: TASK, about, kind, now: this.nowMs })
  }

  tick(afterMs: number) {
    this.nowMs += afterMs
    return this.apply({ type: 'tick', now: this.nowMs })
  }

  get task(): Task {
    const task = this.state.tasks.get(TASK)
    if (task === undefined) throw new Error('the fixture has no task')
    return task
  }

  /** The island of the members without a zone, or of another zone. */
  island(zone = ''): Island {
    const island = this.task.islands.get(zone)
    if (island === undefined) throw new Error(`the task has no island '${zone}'`)
    return island
  }

  member(peer: string): Member {
    const member = this.task.members.get(peer)
    if (member === undefined) throw new Error(`${peer} is not a member`)
    return member
  }

  neighboursOf(peer: string): string[] {
    return this.member(peer)
      .neighbours.map(neighbour => neighbour.peer.id)
      .sort()
  }
}

/** The grants among the effects as `peer:block`, in order. */
export function grantsIn(effects: readonly SchedulerEffect[]): string[] {
  return effects.flatMap(effect =>
    effect.type === 'grant' ? effect.blocks.map(block => `${effect.peer}:${block}`) : [],
  )
}

/** The blocks granted by the effects, ascending. */
export function blocksGrantedIn(effects: readonly SchedulerEffect[]): number[] {
  return effects.flatMap(effect => (effect.type === 'grant' ? effect.blocks : [])).sort((a, b) => a - b)
}
