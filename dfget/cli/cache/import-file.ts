import { type Clock, systemClock } from '../../../lib/clock.ts'
import type { Digest } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { LocatedTask } from '../../../protocol/messages/task-api.ts'
import { taskIdOfDigest } from '../../../protocol/task.ts'
import type { TaskClient } from '../../../supernode/client/task-client.ts'
import { emptyAccount } from '../../peer/task/account.ts'
import { createProgressDisplay, createQuietDisplay, type ProgressStream } from '../../progress/progress-display.ts'
import { digestOfFile, type InputFile } from './input-file.ts'

export interface ImportComponents {
  readonly tasks: TaskClient
  /** Where progress is shown; nowhere when undefined. */
  readonly progress: ProgressStream | undefined
  readonly clock?: Clock
}

/** What became of an import. */
export interface ImportResult {
  readonly digest: Digest
  readonly sizeBytes: number
  /** What was sent: nothing where it had been imported before. */
  readonly sentBytes: number
  readonly durationMs: number
  readonly task: LocatedTask
}

/** Tries to send a file while others read the same content from its origin. */
const MAX_TRIES = 3

/**
 * Makes a file content of the swarm. What was imported before is not sent again.
 * @throws DamselflyError INPUT_FAILED, what the supernode refuses, SUPERNODE_UNREACHABLE; the signal's reason
 */
export async function importFile(
  { tasks, progress, clock = systemClock }: ImportComponents,
  file: InputFile,
  replicas: number | undefined,
  options: { signal: AbortSignal },
): Promise<ImportResult> {
  const startedAt = clock.now()
  const { name, sizeBytes } = file
  const digest = await shown('hashing', count => digestOfFile(file, count, options))
  const taskId = taskIdOfDigest(digest)
  const known = await tasks.show(taskId, options)
  const isThere = known?.imported === true && known.state === 'complete'
  const task = isThere ? await withReplicas(known) : await shown('sending', count => send(count))
  const sentBytes = isThere ? 0 : sizeBytes
  return { digest, sizeBytes, sentBytes, durationMs: clock.now() - startedAt, task }

  async function withReplicas(there: LocatedTask): Promise<LocatedTask> {
    if (replicas === undefined || replicas === there.replicas.wanted) return there
    return tasks.wantReplicas(taskId, replicas, options)
  }

  async function send(count: (bytes: number) => void): Promise<LocatedTask> {
    for (let tries = 1; ; tries++) {
      let sent = 0
      try {
        const body = counted(file.read(options), bytes => {
          sent += bytes
          count(bytes)
        })
        return await tasks.import({ digest, sizeBytes, body, replicas }, options)
      } catch (error) {
        const code = error instanceof DamselflyError ? error.code : undefined
        // What was hashed was another content than what was sent.
        if (code === 'DIGEST_INVALID') await file.checkUnchanged()
        if (code !== 'TOOMANYREQUESTS' || tries >= MAX_TRIES) throw error
        count(-sent)
      }
    }
  }

  async function shown<T>(doing: string, work: (count: (bytes: number) => void) => Promise<T>): Promise<T> {
    const source = { name: `${doing} ${name}`, doneBytes: 0, sizeBytes, account: emptyAccount() }
    const display =
      progress?.isTTY === true ? createProgressDisplay({ stream: progress, clock }, source) : createQuietDisplay()
    try {
      return await work(bytes => {
        source.doneBytes += bytes
      })
    } finally {
      display.clear()
    }
  }
}

async function* counted(body: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const bytes of body) {
    yield bytes
    count(bytes.length)
  }
}
