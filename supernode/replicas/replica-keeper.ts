import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { SupernodeToPeer } from '../../protocol/messages/control.ts'
import type { TaskId } from '../../protocol/task.ts'
import { applyReplicas } from './apply.ts'
import { countCopies, createReplicaState, type PeerId, type ReplicaConfig, type ReplicaEvent } from './state.ts'

export interface ReplicaKeeperComponents {
  readonly clock: Clock
  readonly logger: Logger
  /** Tells a linked peer. */
  readonly send: (peer: PeerId, message: SupernodeToPeer) => void
}

const TICK_MS = 1_000

/** Has peers keep as many copies of imported content as are wanted: feeds the pure planner, and tells peers what it decides. */
export class ReplicaKeeper {
  readonly #components: ReplicaKeeperComponents
  #state: ReturnType<typeof createReplicaState>
  #cancelTick = () => {}

  constructor(components: ReplicaKeeperComponents, config: ReplicaConfig) {
    this.#components = components
    this.#state = createReplicaState(config)
  }

  async start(): Promise<void> {
    const { clock } = this.#components
    this.#cancelTick()
    const intervalMs = Math.min(TICK_MS, Math.max(10, this.#state.config.graceMs / 4))
    this.#cancelTick = clock.every(intervalMs, () => this.#dispatch({ type: 'tick', now: clock.now() }))
  }

  async stop(): Promise<void> {
    this.#cancelTick()
  }

  /** How many replicas of a task shall be kept. @param known whether peers may have kept it since before this start */
  want(task: TaskId, count: number, known = false): void {
    this.#dispatch({ type: 'wanted', task, count, known, now: this.#now() })
  }

  /** Nobody need keep a task any more. */
  drop(task: TaskId): void {
    this.#dispatch({ type: 'dropped', task, now: this.#now() })
  }

  linked(peer: PeerId, zone: string): void {
    this.#dispatch({ type: 'linked', peer, zone, now: this.#now() })
  }

  gone(peer: PeerId): void {
    this.#dispatch({ type: 'gone', peer, now: this.#now() })
  }

  kept(peer: PeerId, task: TaskId): void {
    this.#dispatch({ type: 'kept', peer, task, now: this.#now() })
  }

  refused(peer: PeerId, task: TaskId, code: string): void {
    this.#components.logger.info({ peer, taskId: task, code }, 'a peer keeps no replica')
    this.#dispatch({ type: 'refused', peer, task, now: this.#now() })
  }

  /** How it stands with a task. */
  countsOf(task: TaskId): { wanted: number; kept: number; underWay: number } {
    const known = this.#state.tasks.get(task)
    return known === undefined ? { wanted: 0, kept: 0, underWay: 0 } : { wanted: known.wanted, ...countCopies(known) }
  }

  /** Whether a peer keeps a task, has been asked to, or neither. */
  copyAt(task: TaskId, peer: PeerId): 'kept' | 'asked' | 'none' {
    return this.#state.tasks.get(task)?.copies.get(peer)?.state ?? 'none'
  }

  #now(): number {
    return this.#components.clock.now()
  }

  #dispatch(event: ReplicaEvent): void {
    const { state, effects } = applyReplicas(this.#state, event)
    this.#state = state
    for (const { type, peer, task } of effects) {
      this.#components.logger.info({ peer, taskId: task, shall: type }, 'replica')
      this.#components.send(peer, { type, task })
    }
  }
}
