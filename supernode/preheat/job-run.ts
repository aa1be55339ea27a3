import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { redactUrl } from '../../lib/origin/http-url.ts'
import { OriginError } from '../../lib/origin/origin-error.ts'
import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError, toDamselflyError } from '../../protocol/errors.ts'
import type { PreheatJob, PreheatRequest } from '../../protocol/messages/preheat-api.ts'
import type { TaskId } from '../../protocol/task.ts'
import { type JobProgress, jobView } from './job-view.ts'
import { applyPlan } from './plan/apply.ts'
import { createPlan } from './plan/create-plan.ts'
import type { PlanConfig, PlanEffect, PlanEvent, PlanOutcome, PlanState } from './plan/state.ts'
import type { ContentReader, OpenedContent } from './read-content.ts'
import { reasonOf } from './reason.ts'
import type { ResolvedImage, WantedContent } from './resolve-image.ts'
import { type LinkedNode, parseScope } from './scope.ts'

/** The linked nodes, as a job needs them. */
export interface PreheatNodes {
  /** Those that fetch what they are told to. */
  all(): LinkedNode[]
  /** Tells a node to fetch a content, and lets it. */
  fetch(peer: string, content: OpenedContent): void
  stop(peer: string, task: TaskId): void
}

export interface JobRunComponents {
  /** Finds out what an image consists of. */
  readonly resolve: (request: PreheatRequest, options: { readonly signal: AbortSignal }) => Promise<ResolvedImage>
  readonly reader: Pick<ContentReader, 'read'>
  readonly nodes: PreheatNodes
  /** How much of a content the supernode and each linked node have. */
  readonly progress: JobProgress
  readonly clock: Clock
  readonly logger: Logger
  /** What the tag means is known. */
  readonly resolved: (digest: Digest) => void
  /** The job is over: nothing happens any more. */
  readonly ended: () => void
}

/** What a job begins with. */
export interface JobRunInit {
  readonly id: number
  /** As it was asked for, for people. */
  readonly name: string
  readonly request: PreheatRequest
  /** When it was asked for, in milliseconds since 1970. */
  readonly createdAt: number
  /** How long it may take from then on; undefined for a standing job. */
  readonly lastsMs: number | undefined
  readonly config: PlanConfig
}

/** A manifest may be announced before it can be read: so long it is asked for again. */
const UNREADABLE_MS = 10_000

/** One job, from its beginning to its end: asks the origin what belongs to it, and carries its plan out. */
export class JobRun {
  readonly #components: JobRunComponents
  readonly #init: JobRunInit
  readonly #over = new AbortController()
  #contents: readonly WantedContent[] = []
  readonly #opened = new Map<number, OpenedContent>()
  #plan: PlanState | undefined
  #digest: Digest | undefined
  #outcome: PlanOutcome | undefined
  #endedAt: number | undefined

  constructor(components: JobRunComponents, init: JobRunInit) {
    this.#components = components
    this.#init = init
  }

  /** Whether it is known what the job consists of. */
  get isResolved(): boolean {
    return this.#plan !== undefined
  }

  get isOver(): boolean {
    return this.#endedAt !== undefined
  }

  get digest(): Digest | undefined {
    return this.#digest
  }

  /** Returns when it is over, or rests. Never throws: what goes wrong is the job's outcome. */
  async begin(): Promise<void> {
    try {
      await this.#resolve()
      if (this.isOver) return
      this.#plan = this.#createPlan()
      this.receive({ type: 'tick', now: this.#now() })
    } catch (error) {
      this.#end({ state: 'failed', reason: reasonOf(error) })
    }
  }

  /** Takes what happens to a node, or that time passes. */
  receive(event: PlanEvent): void {
    if (this.isOver) return
    if (this.#plan === undefined) {
      if (event.type === 'cancelled') this.#end({ state: 'cancelled', reason: undefined })
      return
    }
    const { state, effects } = applyPlan(this.#plan, event)
    this.#plan = state
    for (const effect of effects) this.#carryOut(effect)
    this.#outcome = state.outcome
  }

  /** The program stops: nothing is done any more, and nothing is said. */
  abandon(): void {
    this.#over.abort(new Error('the supernode is stopping'))
    this.#endedAt ??= this.#components.clock.wallTime()
  }

  /** The job as it is shown. */
  view(): PreheatJob {
    return jobView(this.#components.progress, {
      ...this.#init,
      digest: this.#digest,
      contents: this.#contents,
      plan: this.#plan,
      outcome: this.#outcome,
      endedAt: this.#endedAt,
    })
  }

  async #resolve(): Promise<void> {
    const { request } = this.#init
    if (request.files !== undefined) {
      this.#contents = request.files.map(url => ({
        name: redactUrl(url),
        source: sourceOf(url, request),
        sizeBytes: undefined,
        isOptional: false,
      }))
      return
    }
    const { digest, contents } = await this.#resolveImage(request)
    this.#digest = digest
    this.#contents = contents
    if (!this.isOver) this.#components.resolved(digest)
  }

  async #resolveImage(request: PreheatRequest): Promise<ResolvedImage> {
    const { resolve, logger } = this.#components
    const { config, id } = this.#init
    const { signal } = this.#over
    const startedAtMs = this.#now()
    for (let tries = 0; ; tries++) {
      try {
        return await resolve(request, { signal })
      } catch (error) {
        signal.throwIfAborted()
        const { code, retryable } = toDamselflyError(error)
        // An index that is there and has nothing for these platforms will not have it in a moment.
        const isUnread = code === 'MANIFEST_UNKNOWN' && error instanceof OriginError
        const isEarly = isUnread && this.#now() - startedAtMs < UNREADABLE_MS
        if (this.#isLate || !(retryable || isEarly)) throw error
        logger.info({ preheat: id, code }, 'the manifest cannot be read yet')
        // What was announced is there within moments; a registry that is down is not to be asked all the time.
        const firstMs = isEarly ? config.firstPauseMs / 10 : config.firstPauseMs
        await this.#wait(Math.min(config.longestPauseMs, firstMs * 2 ** Math.min(tries, 30)))
      }
    }
  }

  get #deadlineMs(): number {
    const { lastsMs, createdAt } = this.#init
    if (lastsMs === undefined) return Number.POSITIVE_INFINITY
    return this.#now() + createdAt + lastsMs - this.#components.clock.wallTime()
  }

  get #isLate(): boolean {
    return this.#deadlineMs <= this.#now()
  }

  #createPlan(): PlanState {
    const { request, config } = this.#init
    return createPlan({
      config,
      scope: parseScope(request.scope ?? 'all'),
      standing: request.standing ?? false,
      deadlineMs: this.#deadlineMs,
      now: this.#now(),
      contents: this.#contents,
      linked: this.#components.nodes.all(),
    })
  }

  #carryOut(effect: PlanEffect): void {
    const { nodes } = this.#components
    switch (effect.type) {
      case 'read':
        void this.#read(effect.content)
        return
      case 'fetch': {
        const content = this.#opened.get(effect.content)
        if (content !== undefined) nodes.fetch(effect.peer, content)
        return
      }
      case 'stop': {
        const content = this.#opened.get(effect.content)
        if (content !== undefined) nodes.stop(effect.peer, content.task)
        return
      }
      case 'outcome':
        if (effect.outcome.state !== 'standing') this.#end(effect.outcome)
    }
  }

  async #read(content: number): Promise<void> {
    const { signal } = this.#over
    const wanted = this.#contents[content]
    if (wanted === undefined) return
    const opened = (found: OpenedContent) => {
      this.#opened.set(content, found)
      this.receive({ type: 'opened', content, task: found.task, now: this.#now() })
    }
    try {
      await this.#components.reader.read(wanted.source, opened, { signal })
      this.receive({ type: 'read', content, now: this.#now() })
    } catch (error) {
      if (signal.aborted) return
      const { retryable } = toDamselflyError(error)
      this.receive({ type: 'read-failed', content, reason: reasonOf(error), retryable, now: this.#now() })
    }
  }

  #end(outcome: PlanOutcome): void {
    if (this.isOver) return
    this.#outcome = outcome
    this.#endedAt = this.#components.clock.wallTime()
    this.#over.abort(new DamselflyError('UNSUPPORTED', 'the job is over'))
    this.#components.ended()
  }

  #wait(delayMs: number): Promise<void> {
    const { signal } = this.#over
    return new Promise((resolve, reject) => {
      const stopped = () => {
        cancel()
        reject(signal.reason)
      }
      const cancel = this.#components.clock.after(delayMs, () => {
        signal.removeEventListener('abort', stopped)
        resolve()
      })
      signal.addEventListener('abort', stopped, { once: true })
    })
  }

  #now(): number {
    return this.#components.clock.now()
  }
}

function sourceOf(url: string, { headers = {}, credentials, identity }: PreheatRequest): WantedContent['source'] {
  return { url, headers, credentials, ...(identity !== undefined && { identity }) }
}
