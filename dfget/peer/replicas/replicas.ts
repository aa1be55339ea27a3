import pLimit from 'p-limit'
import type { BlockStore } from '../../../lib/blocks/block-store.ts'
import type { Startable } from '../../../lib/lifecycle.ts'
import type { Logger } from '../../../lib/logger.ts'
import { swarmSource } from '../../../lib/origin/swarm-source.ts'
import { DamselflyError, toDamselflyError } from '../../../protocol/errors.ts'
import type { PeerToSupernode, ReplicaMessage } from '../../../protocol/messages/control.ts'
import { digestOfTask, type TaskId } from '../../../protocol/task.ts'
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
/** How often a replica may be waited for in a row without any of it coming. */
const MAX_FRUITLESS_TRIES = 3
/** Replicas that may wait for their turn; more are refused, and asked of others. */
const MAX_WAITING = 1_000

/**
 * Keeps copies of imported content because the supernode asks for them: fetches them when nobody waits for anything else, pins them, and
 * lets them go when it is told to. What it keeps outlasts a restart.
 */
export class Replicas implements Startable {
  readonly #components: ReplicasComponents
  readonly #inTurn = pLimit(MAX_FETCHES)
  readonly #jobs = new Map<TaskId, AbortController>()

  constructor(components: ReplicasComponents) {
    this.#components = components
  }

  start(): Promise<void> {
    return this.#components.kept.start()
  }

  async stop(): Promise<void> {
    for (const job of this.#jobs.values()) job.abort(new Error('the peer is stopping'))
    this.#jobs.clear()
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
    if (this.#jobs.has(task)) return
    if (this.#inTurn.pendingCount >= MAX_WAITING) {
      this.#components.send({ type: 'refused', task, code: 'TOOMANYREQUESTS' })
      return
    }
    const job = new AbortController()
    this.#jobs.set(task, job)
    this.#inTurn(() => this.#keep(task, job.signal))
      .then(
        () => this.#say({ type: 'kept', task }, job),
        error => this.#giveUp(task, error, job),
      )
      .finally(() => {
        if (this.#jobs.get(task) === job) this.#jobs.delete(task)
      })
  }

  /** @throws DamselflyError what the swarm and the store throw */
  async #keep(task: TaskId, signal: AbortSignal): Promise<void> {
    const { kept, tasks, store } = this.#components
    const digest = digestOfTask(task)
    if (digest === undefined) throw new DamselflyError('UNSUPPORTED', 'only imported content has replicas')
    const before = await store.find(task)
    for (let found = before, fruitless = 0; found?.complete !== true; ) {
      const storedBytes = found?.storedBytes ?? 0
      const content = await tasks.open(swarmSource(digest), { signal, background: true })
      // What comes slowly is waited for again, as long as it comes.
      await content.settled({ signal })
      found = await store.find(task)
      fruitless = (found?.storedBytes ?? 0) > storedBytes ? 0 : fruitless + 1
      if (fruitless >= MAX_FRUITLESS_TRIES) throw new DamselflyError('BLOCK_LATE', 'the swarm did not deliver')
    }
    await kept.add(task, before?.pinned ?? false)
    if (!(await store.pin(task, true))) throw new DamselflyError('TASK_UNKNOWN', 'it was deleted meanwhile')
  }

  async #giveUp(task: TaskId, thrown: unknown, job: AbortController): Promise<void> {
    const { logger } = this.#components
    const { code, message } = toDamselflyError(thrown)
    if (job.signal.aborted) return
    logger.warn({ taskId: task, code, error: message }, 'a replica could not be kept')
    await this.#forget(task)
    this.#say({ type: 'refused', task, code }, job)
  }

  async #release(task: TaskId): Promise<void> {
    this.#jobs.get(task)?.abort(new Error('the replica is not wanted any more'))
    this.#jobs.delete(task)
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

  #say(message: PeerToSupernode, job: AbortController): void {
    if (!job.signal.aborted) this.#components.send(message)
  }
}
