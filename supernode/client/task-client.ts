import { Readable } from 'node:stream'
import { Compile } from 'typebox/compile'
import { apiRefusal } from '../../lib/http/api-refusal.ts'
import { type ApiAddress, requestApi } from '../../lib/http/client/api-endpoint.ts'
import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { RegisteredSource } from '../../protocol/messages/registration.ts'
import { LocatedTask } from '../../protocol/messages/task-api.ts'
import type { TaskId } from '../../protocol/task.ts'

/** Content to be imported. */
export interface ImportBody {
  readonly digest: Digest
  readonly sizeBytes: number
  /** Read at most once. */
  readonly body: AsyncIterable<Uint8Array>
  /** How many peers shall keep a copy; as before when undefined. */
  readonly replicas: number | undefined
}

interface CallOptions {
  readonly signal: AbortSignal
}

/**
 * What a supernode has. Every call throws DamselflyError: the supernode's refusal, or SUPERNODE_UNREACHABLE when there is no usable
 * answer; and the signal's reason.
 */
export interface TaskClient {
  /** @returns undefined for a task that is not there */
  show(task: TaskId, options: CallOptions): Promise<LocatedTask | undefined>
  /** The task of a source, for somebody who may read it. */
  locate(source: RegisteredSource, options: CallOptions): Promise<LocatedTask>
  import(content: ImportBody, options: CallOptions): Promise<LocatedTask>
  wantReplicas(task: TaskId, wanted: number, options: CallOptions): Promise<LocatedTask>
  remove(task: TaskId, options: CallOptions): Promise<void>
}

/** A supernode that says nothing for this long counts as down. The origin may have to be asked, and the last blocks be written. */
const SILENCE_MS = 60_000

const taskSchema = Compile(LocatedTask)

interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  readonly json?: unknown
  readonly body?: AsyncIterable<Uint8Array>
  readonly headers?: Record<string, string>
}

/** A client for the tasks of a supernode. */
export function createTaskClient(api: ApiAddress): TaskClient {
  async function ask(call: Call, options: CallOptions): Promise<LocatedTask> {
    const answer = await send(api, call, options)
    if (taskSchema.Check(answer)) return answer
    throw unreachable('its answer is not of the expected form')
  }

  return {
    async show(task, options) {
      try {
        return await ask({ method: 'GET', path: `/${task}` }, options)
      } catch (error) {
        if (error instanceof DamselflyError && error.code === 'TASK_UNKNOWN') return undefined
        throw error
      }
    },
    locate: (source, options) => ask({ method: 'POST', path: '/locate', json: { source } }, options),
    import({ digest, sizeBytes, body, replicas }, options) {
      const query = replicas === undefined ? '' : `?replicas=${replicas}`
      const headers = { 'content-type': 'application/octet-stream', 'content-length': `${sizeBytes}` }
      return ask({ method: 'PUT', path: `/${digest}${query}`, body, headers }, options)
    },
    wantReplicas: (task, wanted, options) =>
      ask({ method: 'PUT', path: `/${task}/replicas`, json: { wanted } }, options),
    remove: async (task, options) => void (await send(api, { method: 'DELETE', path: `/${task}` }, options)),
  }
}

async function send(api: ApiAddress, call: Call, { signal }: CallOptions): Promise<unknown> {
  const { method, path, json, body, headers } = call
  let status: number
  let answer: unknown
  try {
    const response = await requestApi(api, `/api/v1/tasks${path}`, {
      method,
      signal,
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
      ...(json === undefined ? {} : { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }),
      ...(body === undefined ? {} : { body: Readable.from(body, { objectMode: false }), headers: headers ?? {} }),
    })
    const text = await response.body.text()
    status = response.statusCode
    answer = text === '' ? undefined : JSON.parse(text)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof DamselflyError) throw error
    throw unreachable((error as Error).message, error)
  }
  if (status < 300) return answer
  throw apiRefusal(answer) ?? unreachable(`it answered with status ${status}`)
}

function unreachable(detail: string, cause?: unknown): DamselflyError {
  return new DamselflyError('SUPERNODE_UNREACHABLE', detail, cause === undefined ? {} : { cause })
}
