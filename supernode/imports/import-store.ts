import { join } from 'node:path'
import { createLifecycle, type Startable } from '../../lib/lifecycle.ts'
import { RecordStore } from '../../lib/record-store.ts'
import type { TaskId } from '../../protocol/task.ts'

/** What is remembered of imported content. */
export interface ImportRecord {
  /** How many peers shall keep a copy. */
  readonly replicas: number
  /** Milliseconds since 1970. */
  readonly importedAt: number
}

/** Remembers what was imported, beside the store, which only knows blocks, whoever they are from. */
export class ImportStore implements Startable {
  readonly #records: RecordStore<TaskId, ImportRecord>
  readonly #unproven: RecordStore<TaskId, true>
  readonly #lifecycle: Startable

  /** @param init.dataDir folders in it hold the records; one process at a time uses them */
  constructor({ dataDir }: { readonly dataDir: string }) {
    this.#records = new RecordStore({ directory: join(dataDir, 'imports'), name: 'imports' })
    this.#unproven = new RecordStore({ directory: join(dataDir, 'imports-unproven'), name: 'imports' })
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
