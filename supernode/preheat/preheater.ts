import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import type { Startable } from '../../lib/lifecycle.ts'
import { redactUrl } from '../../lib/origin/http-url.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { PreheatJob, PreheatRequest, PreheatSummary } from '../../protocol/messages/preheat-api.ts'
import { completeRequest, pinnedRequest, requestKey } from './complete-request.ts'
import { JobRun, type JobRunComponents } from './job-run.ts'
import type { JobRecord, JobStore } from './job-store.ts'
import { summaryOf } from './job-view.ts'
import type { PlanConfig, PlanEvent } from './plan/state.ts'
import type { Preheats, StartedPreheat, StartOptions } from './preheats.ts'

export interface PreheaterComponents
  extends Pick<JobRunComponents, 'resolve' | 'reader' | 'nodes' | 'progress' | 'clock' | 'logger'> {
  readonly records: JobStore
}

/** Settings of a preheater. */
export interface PreheaterInit {
  readonly plan: PlanConfig
  /** How long a job may take that says nothing of it. */
  readonly deadlineMs: number
}

/** A job that is under way. */
interface Running {
  readonly run: JobRun
  readonly key: string
  readonly record: JobRecord
  /** A request for the same that came after its tag was read: the tag may have moved since. */
  again: PreheatRequest | undefined
  /** That its end is written down, once it has ended. */
  written: Promise<void> | undefined
}

const TICK_MS = 250
/** Jobs that find out at once what belongs to them. */
const JOBS_AT_ONCE = 16
/** Jobs that may be under way, standing ones included. */
const MAX_UNDER_WAY = 2_000
/** How long an event that was answered by a job starts no other. */
const SAME_EVENT_MS = 10 * 60_000
/** The same where the job has failed: somebody may have mended what was wrong and pushed again. */
const FAILED_EVENT_MS = 60_000
const MAX_REMEMBERED_EVENTS = 10_000
/** Nodes that are remembered of a job that has ended, those that failed first. */
const MAX_REMEMBERED_NODES = 1_000
/** How often somebody who watches a job is told of it. */
const WATCH_MS = 500

/** Carries preheat jobs out, and remembers them. What happens to nodes it has to be told. */
export class Preheater implements Preheats {
  readonly #components: PreheaterComponents
  readonly #init: PreheaterInit
  readonly #inTurn = pLimit(JOBS_AT_ONCE)
  readonly #running = new Map<number, Running>()
  readonly #byKey = new Map<string, number>()
  readonly #events = new LRUCache<string, { readonly id: number; readonly atMs: number }>({
    max: MAX_REMEMBERED_EVENTS,
  })
  readonly #writes = new Set<Promise<void>>()
  #cancelTick = () => {}

  constructor(components: PreheaterComponents, init: PreheaterInit) {
    this.#components = components
    this.#init = init
  }

  /** Goes on with the jobs of an earlier time; at its end all of them rest. */
  readonly lifecycle: Startable = {
    start: async () => {
      const { records, clock } = this.#components
      this.#cancelTick()
      this.#cancelTick = clock.every(TICK_MS, () => this.tell({ type: 'tick', now: clock.now() }))
      for (const [id, record] of records.all()) {
        if (record.ended === undefined) this.#begin(id, record, pinnedRequest(record.request, record.digest))
      }
    },
    stop: async () => {
      this.#cancelTick()
      this.#inTurn.clearQueue()
      for (const { run } of this.#running.values()) run.abandon()
      await Promise.allSettled(this.#writes)
      this.#running.clear()
      this.#byKey.clear()
    },
  }

  async start(asked: PreheatRequest, { isEvent = false }: StartOptions = {}): Promise<StartedPreheat> {
    const request = completeRequest(asked)
    const key = requestKey(request)
    const known = this.#sameUnderWay(key, request) ?? (isEvent ? this.#answeredEvent(key) : undefined)
    if (known !== undefined) return { job: summaryOf(known), isNew: false }
    if (this.#running.size >= MAX_UNDER_WAY) {
      throw new DamselflyError('TOOMANYREQUESTS', `${MAX_UNDER_WAY} preheat jobs are under way; cancel some, or wait`)
    }
    const { records, clock, logger } = this.#components
    const id = Math.max(records.nextId(), ...[...this.#running.keys()].map(id => id + 1))
    const { headers, credentials, ...stored } = request
    const hadCredentials = headers !== undefined || credentials !== undefined
    const record: JobRecord = { request: stored, hadCredentials, createdAt: clock.wallTime() }
    // Entered before it is written, so that the same cannot be started twice meanwhile.
    const { run } = this.#begin(id, record, request)
    if (isEvent) this.#events.set(key, { id, atMs: clock.now() })
    await this.#remember(id, record)
    logger.info({ preheat: id, image: request.image, files: request.files?.length, scope: request.scope }, 'preheat')
    return { job: summaryOf(run.view()), isNew: true }
  }

  get(id: number): PreheatJob | undefined {
    return this.#running.get(id)?.run.view() ?? this.#components.records.get(id)?.ended
  }

  list(): PreheatSummary[] {
    const ids = new Set([...this.#running.keys(), ...this.#components.records.all().keys()])
    const jobs = [...ids].sort((a, b) => b - a).map(id => this.get(id))
    return jobs.filter(job => job !== undefined).map(summaryOf)
  }

  async cancel(id: number): Promise<boolean> {
    const known = this.#running.get(id)
    if (known === undefined || known.run.isOver) return false
    known.again = undefined
    known.run.receive({ type: 'cancelled', now: this.#components.clock.now() })
    await known.written
    return true
  }

  async *watch(id: number, { signal }: { readonly signal: AbortSignal }): AsyncIterable<PreheatJob> {
    let told = ''
    while (!signal.aborted) {
      const job = this.get(id)
      if (job === undefined) return
      const text = JSON.stringify(job)
      if (text !== told) yield job
      told = text
      if (job.endedAt !== null) return
      await this.#pause(signal)
    }
  }

  /** Something has happened to a node, or time has passed: all jobs hear of it. */
  tell(event: PlanEvent): void {
    for (const { run } of [...this.#running.values()]) run.receive(event)
  }

  #sameUnderWay(key: string, request: PreheatRequest): PreheatJob | undefined {
    const id = this.#byKey.get(key)
    const known = id === undefined ? undefined : this.#running.get(id)
    if (known === undefined) return undefined
    if (known.run.isResolved && request.image?.includes('@') === false) known.again = request
    return known.run.view()
  }

  #answeredEvent(key: string): PreheatJob | undefined {
    const answered = this.#events.get(key)
    const job = answered === undefined ? undefined : this.get(answered.id)
    if (answered === undefined || job === undefined) return undefined
    const lastsMs = job.state === 'failed' ? FAILED_EVENT_MS : SAME_EVENT_MS
    return this.#components.clock.now() - answered.atMs < lastsMs ? job : undefined
  }

  #begin(id: number, record: JobRecord, request: PreheatRequest): Running {
    const { createdAt } = record
    const { plan: config, deadlineMs } = this.#init
    const asked = request.deadlineSeconds
    const standing = request.standing === true && asked === undefined
    const lastsMs = standing ? undefined : asked === undefined ? deadlineMs : asked * 1000
    const run = new JobRun(
      {
        ...this.#components,
        resolved: digest => void this.#update(id, { digest }),
        ended: () => this.#ended(id),
      },
      { id, name: nameOf(record.request), request, createdAt, lastsMs, config },
    )
    const running: Running = {
      run,
      key: requestKey(completeRequest(record.request)),
      record,
      again: undefined,
      written: undefined,
    }
    this.#running.set(id, running)
    this.#byKey.set(running.key, id)
    void this.#inTurn(() => run.begin())
    return running
  }

  #ended(id: number): void {
    const known = this.#running.get(id)
    if (known === undefined) return
    const { run, key, again } = known
    const job = run.view()
    this.#components.logger.info({ preheat: id, state: job.state, code: job.reason?.code }, 'preheat has ended')
    // It is looked up here until it is written down.
    const written = this.#update(id, { ended: { ...job, nodeList: remembered(job.nodeList) } })
    known.written = written.finally(() => this.#running.delete(id))
    if (this.#byKey.get(key) === id) this.#byKey.delete(key)
    if (again !== undefined && job.state === 'succeeded') void this.#lookAgain(again, run)
  }

  /** The tag was asked for once more while its job was under way: another job is only for other content. */
  async #lookAgain(request: PreheatRequest, { digest }: JobRun): Promise<void> {
    const { resolve, logger } = this.#components
    const signal = AbortSignal.timeout(this.#init.deadlineMs)
    try {
      const found = await resolve(request, { signal })
      if (found.digest !== digest) await this.start(request)
    } catch (error) {
      logger.warn({ error, image: request.image }, 'a preheat that was asked for again was not looked at again')
    }
  }

  async #update(id: number, change: Partial<JobRecord>): Promise<void> {
    const known = this.#running.get(id)
    if (known === undefined) return
    Object.assign(known.record, change)
    await this.#remember(id, known.record).catch(() => {})
  }

  async #remember(id: number, record: JobRecord): Promise<void> {
    const write = this.#components.records.put(id, { ...record })
    this.#writes.add(write)
    try {
      await write
    } catch (error) {
      this.#components.logger.error({ error, preheat: id }, 'a preheat job was not written down')
      throw error
    } finally {
      this.#writes.delete(write)
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#components.clock.after(WATCH_MS, () => {
        signal.removeEventListener('abort', stopped)
        resolve()
      })
      const stopped = () => {
        cancel()
        resolve()
      }
      signal.addEventListener('abort', stopped, { once: true })
    })
  }
}

/** What a job is called: no secret of a URL is shown. */
function nameOf({ image, files }: JobRecord['request']): string {
  return image ?? redactUrl(files?.[0] ?? '')
}

function remembered(nodes: PreheatJob['nodeList']): PreheatJob['nodeList'] {
  if (nodes.length <= MAX_REMEMBERED_NODES) return nodes
  return nodes
    .toSorted((a, b) => Number(a.state === 'done') - Number(b.state === 'done'))
    .slice(0, MAX_REMEMBERED_NODES)
}
