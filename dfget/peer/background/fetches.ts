import type { BlockStore } from '../../../lib/blocks/block-store.ts'
import type { Startable } from '../../../lib/lifecycle.ts'
import type { Logger } from '../../../lib/logger.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { DamselflyError, type ErrorCode, toDamselflyError } from '../../../protocol/errors.ts'
import type { FetchMessage, PeerToSupernode } from '../../../protocol/messages/control.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { ForbiddenTasks } from '../forbidden-tasks.ts'
import type { Tasks } from '../tasks.ts'
import { fetchWhole } from './fetch-whole.ts'
import { TaskJobs } from './task-jobs.ts'

export interface FetchesComponents {
  readonly tasks: Pick<Tasks, 'open' | 'abandon'>
  readonly store: Pick<BlockStore, 'find'>
  readonly forbidden: Pick<ForbiddenTasks, 'has'>
  readonly send: (message: PeerToSupernode) => void
  readonly logger: Logger
}

/** Contents that are fetched at once: while one is registered for, others keep the links busy. */
const MAX_FETCHES = 4
/** Contents that may wait for their turn; more are refused, and told again later. */
const MAX_WAITING = 1_000

/**
 * Fetches content that nobody here waits for, because the supernode says so: from the swarm alone, at low priority, and without
 * credentials of its origin, which the supernode reads. Nothing is remembered over a link: the supernode says it again.
 */
export class Fetches implements Startable {
  readonly #components: FetchesComponents
  readonly #jobs: TaskJobs

  constructor(components: FetchesComponents) {
    this.#components = components
    this.#jobs = new TaskJobs(components, { maxRunning: MAX_FETCHES, maxWaiting: MAX_WAITING })
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#jobs.endAll(new Error('the peer is stopping'))
  }

  /** Takes what the supernode says. */
  receive(message: FetchMessage): void {
    const { task } = message
    if (message.type === 'stop-fetch') this.#jobs.end(task, new NotWanted())
    else this.#begin(task, { ...message.source, headers: {}, swarmOnly: true })
  }

  /** A new control stream is open: the supernode says anew what it wants. What was begun may go on until then. */
  linked(): void {
    this.#jobs.endAll(new Error('the link to the supernode is a new one'))
  }

  #begin(task: TaskId, source: Source): void {
    const { forbidden } = this.#components
    if (forbidden.has(task)) this.#refuse(task, 'TASK_BLOCKED')
    else if (!this.#jobs.begin(task, signal => this.#fetch(task, source, signal))) this.#refuse(task, 'TOOMANYREQUESTS')
  }

  async #fetch(task: TaskId, source: Source, signal: AbortSignal): Promise<void> {
    const { tasks, send, logger } = this.#components
    try {
      await fetchWhole(this.#components, { task, source }, { signal })
      if (!signal.aborted) send({ type: 'fetched', task })
    } catch (error) {
      if (!signal.aborted) {
        const code = codeOf(error)
        logger.info({ taskId: task, code }, 'content was not fetched')
        this.#refuse(task, code)
      } else if (signal.reason instanceof NotWanted && !this.#jobs.has(task)) tasks.abandon(source)
    }
  }

  #refuse(task: TaskId, code: ErrorCode): void {
    this.#components.send({ type: 'not-fetched', task, code })
  }
}

/** Why a fetch ends whose download nobody needs. */
class NotWanted extends Error {}

/** What the supernode said rather than that the origin may not be read. */
function codeOf(error: unknown): ErrorCode {
  const { code, cause } = toDamselflyError(error)
  return code === 'BACK_TO_SOURCE_DISABLED' && cause instanceof DamselflyError ? cause.code : code
}
