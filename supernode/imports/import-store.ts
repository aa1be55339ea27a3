import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { createLifecycle, type Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import { RecordStore } from '../../lib/record-store.ts'
import { SizeField, TaskIdField, TimeField } from '../../protocol/messages/fields.ts'
import type { TaskId } from '../../protocol/task.ts'

/** What is remembered of imported content. */
export const ImportRecord = Type.Object({
  /** How many peers shall keep a copy. */
  replicas: SizeField,
  /** Milliseconds since 1970. */
  importedAt: TimeField,
})
export type ImportRecord = Static<typeof ImportRecord>

const taskForm = Compile(TaskIdField)
const recordForm = Compile(ImportRecord)
/** That a mark is there says all. */
const anyForm = Compile(Type.Unknown())

/** Remembers what was imported, beside the store, which only knows blocks, whoever they are from. */
export class ImportStore implements Startable {
  readonly #records: RecordStore<TaskId, ImportRecord>
  readonly #unproven: RecordStore<TaskId, unknown>
  readonly #lifecycle: Startable

  /** @param init.dataDir folders in it hold the records; one process at a time uses them */
  constructor({ logger }: { readonly logger: Logger }, { dataDir }: { readonly dataDir: string }) {
    this.#records = new RecordStore(
      { logger },
      {
        directory: join(dataDir, 'imports'),
        name: 'imports',
        key: taskForm,
        value: recordForm,
        damaged: 'dropped',
        advice: 'import that content again',
      },
    )
    this.#unproven = new RecordStore(
      { logger },
      {
        directory: join(dataDir, 'imports-unproven'),
        name: 'unproven imports',
        key: taskForm,
        value: anyForm,
        damaged: 'refused',
        advice: 'restore it, or delete it and the folder index beside it, and import again what has no other origin',
      },
    )
    this.#lifecycle = createLifecycle([this.#records, this.#unproven])
  }

  /** @throws DamselflyError CONFIG_INVALID, STORE_FAILED */
  start(): Promise<void> {
    return this.#lifecycle.start()
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  get(taskId: TaskId): ImportRecord | undefined {
    return this.#records.get(taskId)
  }

  all(): ReadonlyMap<TaskId, ImportRecord> {
    return this.#records.all()
  }

  /** @throws DamselflyError STORE_FAILED */
  put(taskId: TaskId, record: ImportRecord): Promise<void> {
    return this.#records.put(taskId, record)
  }

  /** @returns false if it was not there. @throws DamselflyError STORE_FAILED */
  delete(taskId: TaskId): Promise<boolean> {
    return this.#records.delete(taskId)
  }

  /** Notes that blocks are being stored which nobody has proven; after a crash they are still noted. @throws DamselflyError STORE_FAILED */
  mark(taskId: TaskId): Promise<void> {
    return this.#unproven.put(taskId, true)
  }

  /** The blocks have been proven, or are gone. @throws DamselflyError STORE_FAILED */
  async unmark(taskId: TaskId): Promise<void> {
    await this.#unproven.delete(taskId)
  }

  /** What is noted by `mark`. */
  marked(): TaskId[] {
    return [...this.#unproven.all().keys()]
  }
}
