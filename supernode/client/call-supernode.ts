import { apiRefusal } from '../../lib/http/api-refusal.ts'
import { type ApiAddress, requestApi } from '../../lib/http/client/api-endpoint.ts'
import { DamselflyError } from '../../protocol/errors.ts'

/** A supernode that says nothing for this long counts as down: no pull waits longer for it (design §8). */
const SILENCE_MS = 1_000

/** Nobody is asked to wait longer than that before the next try. */
const MAX_PAUSE_MS = 1_000

/** A supernode that has too many requests, its own and not those of an origin: it says when to come again. */
export class SupernodeBusy extends DamselflyError {
  /** Spread, so that those who were refused at the same time do not come back at the same time. */
  readonly waitMs: number

  constructor({ detail }: DamselflyError, retryAfter: string) {
    super('TOOMANYREQUESTS', detail)
    const askedMs = Number(retryAfter) * 1000
    this.waitMs = Math.min(Number.isFinite(askedMs) ? askedMs : MAX_PAUSE_MS, MAX_PAUSE_MS) * (0.5 + Math.random() / 2)
  }
}

/** One request to a supernode. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  /** Sent as JSON. */
  readonly body?: unknown
}

/**
 * A request for which nobody waits long. @returns what its body says; undefined for none
 * @throws DamselflyError SUPERNODE_UNREACHABLE, or the supernode's refusal; the signal's reason
 */
export async function callSupernode(
  api: ApiAddress,
  { method, path, body }: Call,
  { signal }: { readonly signal: AbortSignal },
): Promise<unknown> {
  // Not `AbortSignal.timeout`, whose timers would all fire in the end: there may be thousands of calls a second.
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), SILENCE_MS)
  let status: number
  let answer: unknown
  let retryAfter: string | undefined
  try {
    const response = await requestApi(api, path, {
      method,
      signal: AbortSignal.any([signal, silence.signal]),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    status = response.statusCode
    retryAfter = response.headers['retry-after']?.toString()
    const text = await response.body.text()
    answer = text === '' ? undefined : JSON.parse(text)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof DamselflyError) throw error
    throw unreachable(silence.signal.aborted ? `no answer within ${SILENCE_MS} ms` : (error as Error).message, error)
  } finally {
    clearTimeout(timer)
  }
  if (status < 300) return answer
  const refusal = apiRefusal(answer)
  if (refusal?.code === 'TOOMANYREQUESTS' && retryAfter !== undefined) throw new SupernodeBusy(refusal, retryAfter)
  throw refusal ?? unreachable(`it answered with status ${status}`)
}

/** The error for a supernode that cannot be talked to. */
export function unreachable(detail: string, cause?: unknown): DamselflyError {
  return new DamselflyError('SUPERNODE_UNREACHABLE', detail, cause === undefined ? {} : { cause })
}
