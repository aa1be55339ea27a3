import { setTimeout as wait } from 'node:timers/promises'
import { Compile } from 'typebox/compile'
import { request } from 'undici'
import { apiRefusal } from '../../lib/http/api-refusal.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import {
  ClusterInfo,
  RegistrationAnswer,
  RegistrationPending,
  type RegistrationRequest,
} from '../../protocol/messages/registration.ts'

/** The HTTP side of a supernode, as its peers use it. */
export interface SupernodeClient {
  /**
   * Registers for a task and waits for the origin, as long as the supernode keeps answering. One that has too much to do is asked once
   * more, after as long as it says, but not after more than a second.
   * @throws DamselflyError SUPERNODE_UNREACHABLE when it is down or silent, else the code that the supernode gave
   */
  register(body: RegistrationRequest, options: { signal: AbortSignal }): Promise<RegistrationAnswer>
  /** @throws DamselflyError SUPERNODE_UNREACHABLE */
  cluster(options: { signal: AbortSignal }): Promise<ClusterInfo>
}

/** A supernode that says nothing for this long counts as down: no pull waits longer for it (design §8). */
const SILENCE_MS = 1_000

/** A pull waits no longer than this for a supernode that asks for patience, and in all; then it goes to the origin (design §8). */
const MAX_PATIENCE_MS = 1_000

const answerSchema = Compile(RegistrationAnswer)
const pendingSchema = Compile(RegistrationPending)
const clusterSchema = Compile(ClusterInfo)

/** @param url of the supernode's API, for example `http://supernode:8002` */
export function createSupernodeClient(url: string): SupernodeClient {
  const base = url.replace(/\/+$/, '')
  return {
    async register(body, { signal }) {
      let isPatient = true
      for (;;) {
        const answer = await call('POST', `${base}/peer/registry`, body, signal)
        if (answer instanceof Busy) {
          if (!isPatient) throw answer.refusal
          isPatient = false
          await wait(answer.waitMs, undefined, { signal })
          continue
        }
        if (answerSchema.Check(answer)) return answer
        if (!pendingSchema.Check(answer)) throw unreachable('its answer is not of the expected form')
      }
    },
    async cluster({ signal }) {
      const answer = await call('GET', `${base}/api/v1/cluster`, undefined, signal)
      if (answer instanceof Busy) throw answer.refusal
      if (clusterSchema.Check(answer)) return answer
      throw unreachable('its answer is not of the expected form')
    },
  }
}

/** The answer of a supernode that has too many requests, its own and not that of an origin: it says when to come again. */
class Busy {
  readonly refusal: DamselflyError
  readonly waitMs: number

  /** Spreads those who were refused at the same time, so that they do not come back at the same time. */
  constructor(refusal: DamselflyError, retryAfter: string) {
    this.refusal = refusal
    const askedMs = Number(retryAfter) * 1000
    this.waitMs =
      Math.min(Number.isFinite(askedMs) ? askedMs : MAX_PATIENCE_MS, MAX_PATIENCE_MS) * (0.5 + Math.random() / 2)
  }
}

async function call(method: 'GET' | 'POST', url: string, body: unknown, signal: AbortSignal): Promise<unknown> {
  // Not `AbortSignal.timeout`, whose timers would all fire in the end: there may be thousands of calls a second.
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), SILENCE_MS)
  let status: number
  let answer: unknown
  let retryAfter: string | undefined
  try {
    const response = await request(url, {
      method,
      signal: AbortSignal.any([signal, silence.signal]),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    status = response.statusCode
    retryAfter = response.headers['retry-after']?.toString()
    answer = await response.body.json()
  } catch (error) {
    signal.throwIfAborted()
    throw unreachable(silence.signal.aborted ? `no answer within ${SILENCE_MS} ms` : (error as Error).message, error)
  } finally {
    clearTimeout(timer)
  }
  if (status < 300) return answer
  const refusal = apiRefusal(answer)
  if (refusal?.code === 'TOOMANYREQUESTS' && retryAfter !== undefined) return new Busy(refusal, retryAfter)
  throw refusal ?? unreachable(`it answered with status ${status}`)
}

function unreachable(detail: string, cause?: unknown): DamselflyError {
  return new DamselflyError('SUPERNODE_UNREACHABLE', detail, cause === undefined ? {} : { cause })
}
