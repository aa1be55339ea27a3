import { request } from 'undici'
import type { Clock } from '../../lib/clock.ts'
import { anyServer } from './any-server.ts'
import { type HarborImage, krakenBody, v1Body, v2Body } from './harbor-bodies.ts'

/** How Harbor ends a task, and what it writes in its log. */
export interface HarborTask {
  readonly status: 'Success' | 'Error'
  readonly error: string
  /** How often it asked how the job goes. */
  readonly polls: number
}

/** A preheat instance of Harbor, as its jobservice drives it (contracts §4). */
export interface HarborDriver {
  /** What "Test connection" does. */
  isHealthy(): Promise<boolean>
  preheat(image: HarborImage): Promise<HarborTask>
}

export interface HarborInit {
  /** Of the supernode, as in Harbor's form; may have a path, and a slash at its end. */
  readonly endpoint: string
  /** What the auth mode of the instance adds to each request. */
  readonly headers?: Readonly<Record<string, string>>
  /** For the limit of each call. */
  readonly clock: Pick<Clock, 'after'>
  /** Waits between two polls; `async ms => clock.advance(ms)` under a virtual clock. */
  readonly sleep: (ms: number) => Promise<void>
}

const CALL_TIMEOUT_MS = 30_000
const POLL_MS = 10_000
const MAX_TASK_MS = 1_801_000

interface HarborAnswer {
  readonly status: number
  readonly text: string
}

type Progress =
  | { readonly state: 'running'; readonly id?: string }
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly error: string }

interface Contract {
  readonly health: string
  readonly path: string
  readonly bodyOf: (image: HarborImage) => string
  /** Number of the job; undefined when it is done already. @throws Error when it was not started */
  readonly idOf: (answer: HarborAnswer) => string | undefined
  readonly progressOf: (answer: HarborAnswer) => Progress
}

/** Harbor from 2.12 on with a Dragonfly instance. */
export function createDragonflyV2Driver(init: HarborInit, scope = ''): HarborDriver {
  return driver(init, {
    health: '/healthy',
    path: '/oapi/v1/jobs',
    bodyOf: image => v2Body(image, scope),
    idOf(answer) {
      const { id, created_at, updated_at } = parse(answer, status => isGood(status) && status !== 208)
      if (!Number.isInteger(id)) throw new Error(`cannot unmarshal ${JSON.stringify(id)} into int`)
      for (const time of [created_at, updated_at]) if (time !== undefined) checkTime(time)
      return String(id)
    },
    progressOf(answer) {
      const { state, result } = parse(answer, isGood)
      if (state === 'PENDING') return { state: 'running' }
      if (state === 'SUCCESS') return { state: 'done' }
      if (state !== 'FAILURE') return { state: 'failed', error: `unknown state: ${state}` }
      const { job_states = [] } = (result ?? {}) as { job_states?: { error: string }[] }
      return { state: 'failed', error: job_states.map(({ error }) => error).join(', ') }
    },
  })
}

/** Harbor from 2.1 to 2.11 with a Dragonfly instance: the old ones know neither 208 nor FAILED. */
export function createDragonflyV1Driver(init: HarborInit, harbor: '2.2' | '2.11'): HarborDriver {
  return driver(init, {
    health: '/_ping',
    path: '/preheats',
    bodyOf: v1Body,
    idOf(answer) {
      if (answer.status === 208 && harbor !== '2.2') return undefined
      const { ID } = parse(answer, isGood)
      if (typeof ID !== 'string' || ID === '') throw new Error('no ID')
      return ID
    },
    progressOf(answer) {
      const { status, errorMsg } = parse(answer, isGood)
      const [, id] = /preheat task already exists, id:([^"}]+)/.exec(String(errorMsg ?? '')) ?? []
      if (id !== undefined) return { state: 'running', id }
      if (status === 'SUCCESS') return { state: 'done' }
      if (status === 'FAIL' || (status === 'FAILED' && harbor !== '2.2')) {
        return { state: 'failed', error: String(errorMsg) }
      }
      return { state: 'running' }
    },
  })
}

/** Harbor with a Kraken instance: whoever takes its event has done all it wants. */
export function createKrakenDriver(init: HarborInit): HarborDriver {
  return driver(init, {
    health: '/health',
    path: '/registry/notifications',
    bodyOf: krakenBody,
    idOf({ status, text }) {
      if (isGood(status)) return undefined
      throw new Error(`${status} ${text}`)
    },
    progressOf: () => ({ state: 'done' }),
  })
}

function driver({ endpoint, headers, clock, sleep }: HarborInit, contract: Contract): HarborDriver {
  const base = endpoint.replace(/\/$/, '')

  async function call(method: 'GET' | 'POST', path: string, body?: string): Promise<HarborAnswer> {
    const timeout = new AbortController()
    const cancel = clock.after(CALL_TIMEOUT_MS, () => timeout.abort(new Error('Client.Timeout exceeded')))
    try {
      const answer = await request(`${base}${path}`, {
        method,
        headers: {
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body }),
        signal: timeout.signal,
        dispatcher: anyServer,
      })
      return { status: answer.statusCode, text: await answer.body.text() }
    } finally {
      cancel()
    }
  }

  async function isHealthy(): Promise<boolean> {
    return isGood((await call('GET', contract.health)).status)
  }

  return {
    isHealthy,
    async preheat(image) {
      let polls = 0
      try {
        if (!(await isHealthy())) throw new Error('preheat instance is not healthy')
        let id = contract.idOf(await call('POST', contract.path, contract.bodyOf(image)))
        if (id === undefined) return { status: 'Success', error: '', polls }
        for (let elapsedMs = POLL_MS; elapsedMs < MAX_TASK_MS; elapsedMs += POLL_MS) {
          await sleep(POLL_MS)
          polls++
          const progress = contract.progressOf(await call('GET', `${contract.path}/${id}`))
          if (progress.state === 'done') return { status: 'Success', error: '', polls }
          if (progress.state === 'failed') return { status: 'Error', error: progress.error, polls }
          id = progress.id ?? id
        }
        throw new Error('status check timeout: 1801 s')
      } catch (error) {
        return { status: 'Error', error: (error as Error).message, polls }
      }
    },
  }
}

function parse({ status, text }: HarborAnswer, isFine: (status: number) => boolean): Readonly<Record<string, unknown>> {
  if (!isFine(status)) throw new Error(`${status} ${text}`)
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}

function checkTime(time: unknown): void {
  if (typeof time === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(time)) return
  throw new Error(`cannot parse ${JSON.stringify(time)} as RFC 3339`)
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300
}
