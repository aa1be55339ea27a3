import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { Value } from 'typebox/value'
import { apiRefusal } from '../../lib/http/api-refusal.ts'
import { contentLength } from '../../lib/origin/content-plan.ts'
import { OriginError } from '../../lib/origin/origin-error.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import {
  type ContentRefusal,
  type ContentWish,
  type DaemonTask,
  DaemonTasks,
  type Pull,
  Pulls,
} from '../../protocol/messages/daemon-api.ts'
import { parseContentRange } from '../../protocol/range.ts'
import { isTaskId, type TaskId } from '../../protocol/task.ts'

/** Content on its way from a dfdaemon. */
export interface GivenContent {
  /** Offset in the content of the body's first byte. */
  readonly start: number
  /** Of the whole content; undefined when nobody knows. */
  readonly sizeBytes: number | undefined
  readonly contentType: string | undefined
  readonly taskId: TaskId | undefined
  /** Under which the dfdaemon books what it sends. */
  readonly pullId: number
  /** @throws DamselflyError DAEMON_UNREACHABLE when it breaks off; the signal's reason */
  readonly body: AsyncGenerator<Uint8Array>
  /** Frees the connection of a body that is not read to its end. */
  close(): void
}

/** What a dfdaemon gives to programs of its node. */
export interface ContentClient {
  /** Whether a dfdaemon answers in time. */
  answers(options: { signal: AbortSignal }): Promise<boolean>
  /**
   * Opens content, whole or the part that a `Range` header asks for.
   * @throws DamselflyError DAEMON_UNREACHABLE; what the dfdaemon says; OriginError what the origin answered to it
   */
  open(wish: ContentWish, options: { range?: string | undefined; signal: AbortSignal }): Promise<GivenContent>
  /** What the node holds of a task; undefined for nothing. @throws DamselflyError DAEMON_UNREACHABLE */
  task(id: TaskId, options: { signal: AbortSignal }): Promise<DaemonTask | undefined>
  /** How a pull went so far, not of what it is; undefined when it is forgotten. @throws DamselflyError DAEMON_UNREACHABLE */
  pull(id: number, options: { signal: AbortSignal }): Promise<Pull | undefined>
}

interface Asked {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Nobody waits longer than this to find out that there is no dfdaemon (design §8). */
const ANSWER_MS = 1_000

/** A client of the dfdaemon that listens on a Unix socket. */
export function createContentClient(socketPath: string): ContentClient {
  function ask({ method, path, headers = {}, body = '' }: Asked, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath, method, path, headers, signal }, resolve)
      asked.once('error', error => reject(signal.aborted ? signal.reason : unreachable(error.message, error)))
      asked.end(body)
    })
  }

  async function json(path: string, signal: AbortSignal): Promise<unknown> {
    const response = await ask({ method: 'GET', path }, signal)
    const body = await text(response)
    if (response.statusCode !== 200) throw unreachable(`it answered with status ${response.statusCode}`)
    return parseJson(body)
  }

  return {
    async answers({ signal }) {
      const timeout = AbortSignal.timeout(ANSWER_MS)
      try {
        const version = await json('/version', AbortSignal.any([signal, timeout]))
        return (version as { name?: unknown } | undefined)?.name === 'dfdaemon'
      } catch {
        signal.throwIfAborted()
        return false
      }
    },
    async open(wish, { range, signal }) {
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'dfget',
        ...(range === undefined ? {} : { range }),
      }
      const asked: Asked = { method: 'POST', path: '/api/v1/content', headers, body: JSON.stringify(wish) }
      const response = await ask(asked, signal)
      const { statusCode = 0 } = response
      if (statusCode !== 200 && statusCode !== 206) throw refusal(parseJson(await text(response)), statusCode)
      return given(response, signal)
    },
    async task(id, { signal }) {
      const tasks = await json(`/api/v1/tasks?id=${encodeURIComponent(id)}`, signal)
      if (!Value.Check(DaemonTasks, tasks)) throw unreachable('its answer is not of the expected form')
      return tasks[0]
    },
    async pull(id, { signal }) {
      const pulls = await json(`/v1/pulls?id=${id}`, signal)
      if (!Value.Check(Pulls, pulls)) throw unreachable('its answer is not of the expected form')
      return pulls[0]
    },
  }
}

function given(response: IncomingMessage, signal: AbortSignal): GivenContent {
  const { headers, statusCode } = response
  const part = statusCode === 206 ? parseContentRange(headers['content-range']) : undefined
  const length = contentLength(headers['content-length'])
  if (length === 'bad') {
    response.destroy()
    throw unreachable('its answer has a size above 2^53')
  }
  const pull = String(headers['damselfly-pull'] ?? '')
  const [, task = ''] = /task="([^"]+)"/.exec(pull) ?? []
  return {
    start: part?.start ?? 0,
    sizeBytes: part === undefined ? length : part.sizeBytes,
    contentType: headers['content-type'],
    taskId: isTaskId(task) ? task : undefined,
    pullId: Number(/id=(\d+)/.exec(pull)?.[1] ?? 0),
    body: bodyOf(response, signal),
    close: () => void response.destroy(),
  }
}

async function* bodyOf(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* response as AsyncIterable<Uint8Array>
  } catch (error) {
    signal.throwIfAborted()
    throw unreachable('it broke off', error)
  }
  if (!response.complete) throw unreachable('it broke off')
}

function refusal(body: unknown, status: number): DamselflyError {
  const error = apiRefusal(body)
  if (error === undefined) return unreachable(`it answered with status ${status}`)
  const { originStatus, retryAfter, connectionCode } = body as ContentRefusal
  if (connectionCode !== undefined) {
    const cause = Object.assign(new Error(connectionCode), { code: connectionCode })
    return new DamselflyError(error.code, error.detail, { cause })
  }
  if (originStatus === undefined) return error
  const originHeaders = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
  return new OriginError(error.code, error.detail ?? '', { originStatus, originHeaders })
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function unreachable(detail: string, cause?: unknown): DamselflyError {
  return new DamselflyError('DAEMON_UNREACHABLE', detail, { cause })
}
