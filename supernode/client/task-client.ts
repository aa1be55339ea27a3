import { Compile } from 'typebox/compile'
import { type ApiCall, createApiClient } from '../../lib/http/client/api-client.ts'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
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

const taskForm = Compile(LocatedTask)

/** A client for the tasks of a supernode. */
export function createTaskClient(api: ApiAddress): TaskClient {
  const client = createApiClient({
    api,
    unreachable: 'SUPERNODE_UNREACHABLE',
    deadlineMs: Number.POSITIVE_INFINITY,
    silenceMs: SILENCE_MS,
  })
  const under = (call: ApiCall): ApiCall => ({ ...call, path: `/api/v1/tasks${call.path}` })
  const ask = (call: ApiCall) => client.ask(taskForm, under(call))

  return {
    async show(task, { signal }) {
      try {
        return await ask({ path: `/${task}`, signal })
      } catch (error) {
        if (error instanceof DamselflyError && error.code === 'TASK_UNKNOWN') return undefined
        throw error
      }
    },
    locate: (source, { signal }) => ask({ method: 'POST', path: '/locate', json: { source }, signal }),
    import({ digest, sizeBytes, body, replicas }, { signal }) {
      const query = replicas === undefined ? '' : `?replicas=${replicas}`
      const headers = { 'content-type': 'application/octet-stream', 'content-length': `${sizeBytes}` }
      return ask({ method: 'PUT', path: `/${digest}${query}`, body, headers, signal })
    },
    wantReplicas: (task, wanted, { signal }) =>
      ask({ method: 'PUT', path: `/${task}/replicas`, json: { wanted }, signal }),
    async remove(task, { signal }) {
      await client.send(under({ method: 'DELETE', path: `/${task}`, signal }))
    },
  }
}
