import { type Dispatcher, request } from 'undici'
import { timeNow } from '../cluster/lines.ts'
import { RUNTIME_AGENT } from '../invariants/origin-reads.ts'
import type { Break } from './client-words.ts'
import type { Movement } from './movement.ts'

/** The registry's name in image references, which a mirror is told (OCI distribution spec, "Registry proxying"). */
const NAMESPACE = 'docker.io'

/** Where a runtime asks, in this order. */
export interface Hosts {
  readonly mirrorUrl: string
  readonly registryUrl: string
}

/** What a request needs. */
export interface AskOptions {
  readonly dispatcher: Dispatcher
  readonly movement: Movement
  readonly fallbacks: Break[]
  readonly signal: AbortSignal
}

/** An answer of one of the hosts that is good to read. */
export interface Answer {
  readonly status: 200 | 206
  readonly headers: Dispatcher.ResponseData['headers']
  readonly body: Dispatcher.ResponseData['body']
}

/**
 * Asks as containerd does (contracts §3.1): for each request the mirror first, and the registry when the mirror refuses the
 * connection or answers with an error. There is no going back once an answer has begun.
 * @throws Error with what each of them said
 */
export async function askHosts(
  { mirrorUrl, registryUrl }: Hosts,
  { method = 'GET', path, range }: { method?: 'GET' | 'HEAD'; path: string; range?: string },
  { dispatcher, movement, fallbacks, signal }: AskOptions,
): Promise<Answer> {
  const headers = { accept: '*/*', 'user-agent': RUNTIME_AGENT, ...(range === undefined ? {} : { range }) }
  const refusals: string[] = []
  for (const url of [`${mirrorUrl}${path}?ns=${NAMESPACE}`, `${registryUrl}${path}`]) {
    try {
      const { statusCode, headers: given, body } = await request(url, { method, headers, dispatcher, signal })
      movement.moved()
      if (statusCode === 200 || statusCode === 206) return { status: statusCode, headers: given, body }
      const text = await body.text()
      refusals.push(`${url} answered ${statusCode} ${text.slice(0, 300)}`)
    } catch (error) {
      signal.throwIfAborted()
      refusals.push(`${url}: ${wordsOf(error)}`)
    }
    if (refusals.length === 1) fallbacks.push({ at: timeNow(), what: refusals[0] ?? '' })
  }
  throw new Error(refusals.join('; '))
}

/** An error in one line. */
export function wordsOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === undefined ? message : `${code} ${message}`
}
