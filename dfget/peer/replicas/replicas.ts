import type { BlockStore } from '../../../lib/blocks/block-store.ts'
import type { Startable } from '../../../lib/lifecycle.ts'
import type { Logger } from '../../../lib/logger.ts'
import { swarmSource } from '../../../lib/origin/swarm-source.ts'
import { DamselflyError, toDamselflyError } from '../../../protocol/errors.ts'
import type { PeerToSupernode, ReplicaMessage } from '../../../protocol/messages/control.ts'
import { digestOfTask, type TaskId } from '../../../protocol/task.ts'
import { fetchWhole } from '../background/fetch-whole.ts'
import { TaskJobs } from '../background/task-jobs.ts'
import type { Tasks } from '../tasks.ts'
import type { KeptTasks } from './kept-tasks.ts'

export interface ReplicasComponents {
  readonly kept: KeptTasks
  readonly tasks: Pick<Tasks, 'open'>
  readonly store: Pick<BlockStore, 'find' | 'pin'>
  /** Deletes a task, in use or not. */
  readonly remove: (task: TaskId) => Promise<boolean>
  readonly send: (message: PeerToSupernode) => void
  readonly logger: Logger
}

/** Replicas that are fetched at once. */
const MAX_FETCHES = 2
/** Replicas that may wait for their turn; more are refused, and asked of others. */
const MAX_WAITING = 1_000

/**
 * Keeps copies of imported content because the supernode asks for them: fetches them when nobody waits for anything else, pins them, and
 * lets them go when it is told to. What it keeps outlasts a restart.
 */
export class Replicas implements Startable {
  readonly #components: ReplicasComponents
  readonly #jobs: TaskJobs

  constructor(components: ReplicasComponents) {
    this.#components = components
    this.#jobs = new TaskJobs(components, { maxRunning: MAX_FETCHES, maxWaiting: MAX_WAITING })
  }

  start(): Promise<void> {
    return this.#components.kept.start()
  }

  async stop(): Promise<void> {
    this.#jobs.endAll(new Error('the peer is stopping'))
    await this.#components.kept.stop()
  }

  /** Takes what the supernode asks for. */
  receive({ type, task }: ReplicaMessage): void {
    if (type === 'keep') this.#begin(task)
    else
      this.#release(task).catch(error => this.#components.logger.warn({ error, taskId: task }, 'replica not released'))
  }

  /** The supernode can be talked to again: says what is kept, and mends what is not whole any more. */
  linked(): void {
    for (const task of this.#components.kept.all().keys()) this.#begin(task)
  }

  /** A task was deleted from the store. */
  removed(task: TaskId): void {
    const { kept, send, logger } = this.#components
    if (!kept.all().has(task)) return
    kept.delete(task).catch(error => logger.warn({ error, taskId: task }, 'list of replicas not written'))
    send({ type: 'refused', task, code: 'TASK_UNKNOWN' })
  }

  #begin(task: TaskId): void {
    if (this.#jobs.begin(task, signal => this.#keep(task, signal))) return
    this.#components.send({ type: 'refused', task, code: 'TOOMANYREQUESTS' })
  }

  async #keep(task: TaskId, signal: AbortSignal): Promise<void> {
    try {
      await this.#fetch(task, signal)
      this.#say({ type: 'kept', task }, signal)
    } catch (error) {
      if (!signal.aborted) await this.#giveUp(task, error, signal)
    }
  }

  /** @throws DamselflyError what the swarm and the store throw */
  async #fetch(task: TaskId, signal: AbortSignal): Promise<void> {
    const { kept, store } = this.#components
    const digest = digestOfTask(task)
    if (digest === undefined) throw new DamselflyError('UNSUPPORTED', 'only imported content has replicas')
    const before = await fetchWhole(this.#components, { task, source: swarmSource(digest) }, { signal })
    await kept.add(task, before?.pinned ?? false)
    if (!(await store.pin(task, true))) throw new DamselflyError('TASK_UNKNOWN', 'it was deleted meanwhile')
  }

  async #giveUp(task: TaskId, thrown: unknown, signal: AbortSignal): Promise<void> {
    const { code, message } = toDamselflyError(thrown)
    this.#components.logger.warn({ taskId: task, code, error: message }, 'a replica could not be kept')
    await this.#forget(task)
    this.#say({ type: 'refused', task, code }, signal)
  }

  async #release(task: TaskId): Promise<void> {
    this.#jobs.end(task, new Error('the replica is not wanted any more'))
    const known = await this.#forget(task)
    if (known === undefined || known.pinnedBefore) return
    await this.#components.remove(task)
  }

  /** Ends the pin, unless it is the operator's. */
  async #forget(task: TaskId): Promise<{ readonly pinnedBefore: boolean } | undefined> {
    const { kept, store } = this.#components
    const known = await kept.delete(task)
    if (known !== undefined && !known.pinnedBefore) await store.pin(task, false)
    return known
  }

  #say(message: PeerToSupernode, signal: AbortSignal): void {
    if (!signal.aborted) this.#components.send(message)
  }
}
