import pLimit from 'p-limit'
import type { TaskShape } from '../../lib/blocks/block-store.ts'
import type { OriginInfo, Source } from '../../lib/origin/origin.ts'
import { withSignal } from '../../lib/with-signal.ts'
import { blockSizeFor } from '../../protocol/block-size.ts'
import { DamselflyError, type ErrorCode } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { Admission } from '../api/admission.ts'
import { taskIdOf } from '../api/registration.ts'
import type { Blocklist } from '../blocklist/blocklist.ts'
import type { SeedTask } from '../seed/seed-task.ts'
import type { SeedListener } from '../seed/seeder.ts'
import { elseAsOurselves } from './own-account.ts'

/** A content that the supernode reads, or has. */
export interface OpenedContent {
  readonly task: TaskId
  /** What it is read with. */
  readonly source: Source
  readonly info: OriginInfo
}

export interface ContentReaderComponents {
  readonly admission: Admission
  readonly seeder: { ensure(taskId: TaskId, source: Source, shape: TaskShape): Promise<SeedTask> }
  readonly blocklist: Pick<Blocklist, 'checkTask'>
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: DamselflyError) => void
}

/** Has the supernode read contents that no peer has asked for. It hears of their end as a listener of the seeder. */
export class ContentReader implements Pick<SeedListener, 'complete' | 'failed' | 'dropped'> {
  readonly #components: ContentReaderComponents
  readonly #waiting = new Map<TaskId, Set<Waiting>>()
  readonly #inTurn: ReturnType<typeof pLimit>

  /** @param init.atOnce contents that are read at once, of all jobs together */
  constructor(components: ContentReaderComponents, { atOnce }: { readonly atOnce: number }) {
    this.#components = components
    this.#inTurn = pLimit(atOnce)
  }

  /**
   * Reads a content, unless it is here or being read already. Returns when all of it is here.
   * @param opened is called once it can be fetched from here
   * @throws OriginError what the origin says of it
   * @throws DamselflyError TASK_BLOCKED; UNSUPPORTED for a file without a validator; what the store throws; the signal's reason
   */
  read(
    wanted: Source,
    opened: (content: OpenedContent) => void,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    return this.#inTurn(() => this.#read(wanted, opened, signal))
  }

  /** With what the job brought, and where that is refused, because it has expired perhaps, under our own account; also in the middle of it. */
  async #read(wanted: Source, opened: (content: OpenedContent) => void, signal: AbortSignal): Promise<void> {
    await elseAsOurselves(wanted, ({ headers, credentials }) =>
      this.#readAs({ ...wanted, headers, credentials }, opened, signal),
    )
  }

  async #readAs(source: Source, opened: (content: OpenedContent) => void, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { admission, seeder, blocklist } = this.#components
    const info = await admission.check(source, { allowStale: true, signal })
    const task = taskIdOf(source, info)
    blocklist.checkTask(task)
    const meant: Source = source.digest === undefined ? { ...source, validator: info.validator } : source
    const over = this.#over(task)
    try {
      const seeded = await seeder.ensure(task, meant, {
        blockSizeBytes: blockSizeFor(info.sizeBytes),
        sizeBytes: info.sizeBytes,
      })
      opened({ task, source: meant, info })
      if (seeded.state !== 'complete') await withSignal(over.promise, signal)
    } finally {
      over.end()
    }
  }

  complete({ taskId }: SeedTask): void {
    for (const { resolve } of this.#waiting.get(taskId) ?? []) resolve()
  }

  failed({ taskId }: SeedTask, error: DamselflyError): void {
    for (const { reject } of this.#waiting.get(taskId) ?? []) reject(error)
  }

  dropped(taskId: TaskId, code: ErrorCode): void {
    const detail =
      code === 'TASK_UNKNOWN' ? 'it was deleted while it was read' : 'what the origin sent has another digest'
    const error = new DamselflyError(code, detail)
    for (const { reject } of this.#waiting.get(taskId) ?? []) reject(error)
  }

  #over(task: TaskId): { readonly promise: Promise<void>; readonly end: () => void } {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    promise.catch(() => {})
    const waiting = { resolve, reject }
    const ofTask = this.#waiting.get(task) ?? new Set()
    this.#waiting.set(task, ofTask.add(waiting))
    const end = () => {
      ofTask.delete(waiting)
      if (ofTask.size === 0 && this.#waiting.get(task) === ofTask) this.#waiting.delete(task)
    }
    return { promise, end }
  }
}
