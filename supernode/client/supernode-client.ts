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
   * Registers for a task and waits for the origin, as long as the supernode keeps answering.
   * @throws DamselflyError SUPERNODE_UNREACHABLE when it is down or silent, else the code that the supernode gave
   */
  register(body: RegistrationRequest, options: { signal: AbortSignal }): Promise<RegistrationAnswer>
  /** @throws DamselflyError SUPERNODE_UNREACHABLE */
  cluster(options: { signal: AbortSignal }): Promise<ClusterInfo>
}

/** A supernode that says nothing for this long counts as down: no pull waits longer for it (design §8). */
const SILENCE_MS = 1_000

const answerSchema = Compile(RegistrationAnswer)
const pendingSchema = Compile(RegistrationPending)
const clusterSchema = Compile(ClusterInfo)

/** @param url of the supernode's API, for example `http://supernode:8002` */
export function createSupernodeClient(url: string): SupernodeClient {
  const base = url.replace(/\/+$/, '')
  return {
    async register(body, { signal }) {
      for (;;) {
        const answer = await call('POST', `${base}/peer/registry`, body, signal)
        if (answerSchema.Check(answer)) return answer
        if (!pendingSchema.Check(answer)) throw unreachable('its answer is not of the expected form')
      }
    },
    async cluster({ signal }) {
      const answer = await call('GET', `${base}/api/v1/cluster`, undefined, signal)
      if (clusterSchema.Check(answer)) return answer
      throw unreachable('its answer is not of the expected form')
    },
  }
}

async function call(method: 'GET' | 'POST', url: string, body: unknown, signal: AbortSignal): Promise<unknown> {
  // Not `AbortSignal.timeout`, whose timers would all fire in the end: there may be thousands of calls a second.
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), SILENCE_MS)
  let status: number
  let answer: unknown
  try {
    const response = await request(url, {
      method,
      signal: AbortSignal.any([signal, silence.signal]),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    status = response.statusCode
    answer = await response.body.json()
  } catch (error) {
    signal.throwIfAborted()
    throw unreachable(silence.signal.aborted ? `no answer within ${SILENCE_MS} ms` : (error as Error).message, error)
  } finally {
    clearTimeout(timer)
  }
  if (status < 300) return answer
  throw apiRefusal(answer) ?? unreachable(`it answered with status ${status}`)
}

function unreachable(detail: string, cause?: unknown): DamselflyError {
  return new DamselflyError('SUPERNODE_UNREACHABLE', detail, cause === undefined ? {} : { cause })
}
