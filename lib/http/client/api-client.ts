import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { DamselflyError, type ErrorCode } from '../../../protocol/errors.ts'
import { apiRefusal } from '../api-refusal.ts'
import { type ApiAddress, requestApi } from './api-endpoint.ts'

/** Whose API is called, and how patiently. */
export interface ApiClientInit {
  readonly api: ApiAddress
  /** The error when there is no usable answer. */
  readonly unreachable: ErrorCode
  /** Milliseconds for each call, its connection included; Infinity for no limit. */
  readonly deadlineMs: number
  /** Milliseconds without a byte of the answer, once all is sent; 0 for no limit, undici's own when undefined. */
  readonly silenceMs?: number
}

/** One call of an API. */
export interface ApiCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With its query. */
  readonly path: string
  /** Sent as JSON. */
  readonly json?: unknown
  /** In the place of `json`; read at most once. */
  readonly body?: AsyncIterable<Uint8Array>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** What came back, whatever its status. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Dispatcher.ResponseData['headers']
  readonly bytes: Buffer
}

/** Something that knows the form of an answer, as TypeBox compiles it. */
export interface AnswerForm<Answer> {
  Check(value: unknown): value is Answer
}

/**
 * The JSON API of one of our programs. Every call throws DamselflyError: the program's refusal, {@link ApiBusy} among them, or
 * `unreachable` when there is no usable answer; or the signal's reason.
 */
export interface ApiClient {
  /** @returns what the program said, of the form that it must have */
  ask<Answer>(form: AnswerForm<Answer>, call: ApiCall): Promise<Answer>
  /** @returns what the program said; undefined for nothing */
  send(call: ApiCall): Promise<unknown>
  /** The answer as it is, for what is no JSON. */
  text(call: ApiCall): Promise<string>
  /** Whatever was answered: refusals are no errors here. */
  exchange(call: ApiCall): Promise<ApiAnswer>
}

/** Nobody is asked to wait longer than that before the next try. */
const MAX_PAUSE_MS = 1_000

/** A program that has too many requests, its own and not those of an origin: it says when to come again. */
export class ApiBusy extends DamselflyError {
  /** Spread, so that those who were refused at the same time do not come back at the same time. */
  readonly waitMs: number

  constructor({ detail }: DamselflyError, retryAfter: string) {
    super('TOOMANYREQUESTS', detail)
    const askedMs = Number(retryAfter) * 1000
    this.waitMs = Math.min(Number.isFinite(askedMs) ? askedMs : MAX_PAUSE_MS, MAX_PAUSE_MS) * (0.5 + Math.random() / 2)
  }
}

/** A client for the JSON API of one of our programs. */
export function createApiClient({ api, unreachable, deadlineMs, silenceMs }: ApiClientInit): ApiClient {
  const none = (detail: string, cause?: unknown) => new DamselflyError(unreachable, detail, { cause })

  async function exchange({ method = 'GET', path, json, body, headers, signal }: ApiCall): Promise<ApiAnswer> {
    // Not `AbortSignal.timeout`, whose timers would all fire in the end: there may be thousands of calls a second.
    const deadline = new AbortController()
    const timer = deadlineMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(() => deadline.abort(), deadlineMs)
    try {
      const response = await requestApi(api, path, {
        method,
        signal: signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]),
        headers: { ...headers, ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...(body === undefined ? {} : { body: Readable.from(body, { objectMode: false }) }),
        ...(silenceMs === undefined ? {} : { headersTimeout: silenceMs, bodyTimeout: silenceMs }),
      })
      const bytes = Buffer.from(await response.body.arrayBuffer())
      return { status: response.statusCode, headers: response.headers, bytes }
    } catch (error) {
      signal?.throwIfAborted()
      // A body that is sent may fail for reasons of its own.
      if (error instanceof DamselflyError) throw error
      throw none(deadline.signal.aborted ? `no answer within ${deadlineMs} ms` : (error as Error).message, error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** What came back for a call that was not refused. */
  async function good(call: ApiCall): Promise<Buffer> {
    const { status, headers, bytes } = await exchange(call)
    if (status < 300) return bytes
    const refusal = apiRefusal(parseJson(bytes))
    const retryAfter = headers['retry-after']?.toString()
    if (refusal?.code === 'TOOMANYREQUESTS' && retryAfter !== undefined) throw new ApiBusy(refusal, retryAfter)
    throw refusal ?? none(`it answered with status ${status}`)
  }

  async function send(call: ApiCall): Promise<unknown> {
    const bytes = await good(call)
    const said = parseJson(bytes)
    if (said === undefined && bytes.byteLength > 0) throw none('its answer is not JSON')
    return said
  }

  return {
    async ask(form, call) {
      const said = await send(call)
      if (form.Check(said)) return said
      throw none('its answer is not of the expected form')
    },
    send,
    text: async call => (await good(call)).toString('utf8'),
    exchange,
  }
}

/** @returns undefined for what is no JSON, which never stands for that */
function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
