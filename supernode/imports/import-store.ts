import { join } from 'node:path'
import { Level } from 'level'
import { ensurePrivateDirectory } from '../../lib/fs.ts'
import { createStartable, type Startable } from '../../lib/lifecycle.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'

/** What is remembered of imported content. */
export interface ImportRecord {
  /** How many peers shall keep a copy. */
  readonly replicas: number
  /** Milliseconds since 1970. */
  readonly importedAt: number
}

/** Remembers what was imported, in a database of its own: the store only knows blocks, whoever they are from. */
export class ImportStore implements Startable {
  readonly #dataDir: string
  readonly #lifecycle = createStartable(
    () => this.#begin(),
    () => this.#end(),
  )
  readonly #records = new Map<TaskId, ImportRecord>()
  #database: Level | undefined
  #levels: ReturnType<typeof sublevels> | undefined

  /** @param init.dataDir a folder in it holds the database; one process at a time uses it */
  constructor(init: { readonly dataDir: string }) {
    this.#dataDir = init.dataDir
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
    return this.#records
  }

  /** @throws DamselflyError STORE_FAILED */
  async put(taskId: TaskId, record: ImportRecord): Promise<void> {
    await named(() => this.#open().records.put(taskId, record))
    this.#records.set(taskId, record)
  }

  /** @returns false if it was not there. @throws DamselflyError STORE_FAILED */
  async delete(taskId: TaskId): Promise<boolean> {
    if (!this.#records.has(taskId)) return false
    await named(() => this.#open().records.del(taskId))
    return this.#records.delete(taskId)
  }

  /** Notes that blocks are being stored which nobody has proven; after a crash they are still noted. @throws DamselflyError STORE_FAILED */
  async mark(taskId: TaskId): Promise<void> {
    await named(() => this.#open().unproven.put(taskId, ''))
  }

  /** The blocks have been proven, or are gone. @throws DamselflyError STORE_FAILED */
  async unmark(taskId: TaskId): Promise<void> {
    await named(() => this.#open().unproven.del(taskId))
  }

  /** What is noted by `mark`. */
  async marked(): Promise<TaskId[]> {
    const found: TaskId[] = []
    for await (const taskId of this.#open().unproven.keys()) found.push(taskId as TaskId)
    return found
  }

  async #begin(): Promise<void> {
    const directory = join(this.#dataDir, 'imports')
    await ensurePrivateDirectory(directory)
    const database = new Level(directory)
    await named(() => database.open())
    this.#database = database
    this.#levels = sublevels(database)
    for await (const [taskId, record] of this.#levels.records.iterator()) this.#records.set(taskId as TaskId, record)
  }

  async #end(): Promise<void> {
    const database = this.#database
    this.#database = undefined
    this.#levels = undefined
    this.#records.clear()
    await database?.close()
  }

  #open(): ReturnType<typeof sublevels> {
    if (this.#levels === undefined) throw new DamselflyError('STORE_FAILED', 'the list of imports is not open')
    return this.#levels
  }
}

function sublevels(database: Level) {
  return {
    records: database.sublevel<string, ImportRecord>('records', { valueEncoding: 'json' }),
    unproven: database.sublevel<string, string>('unproven', { valueEncoding: 'utf8' }),
  }
}

async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new DamselflyError('STORE_FAILED', `imports: ${(error as Error).message}`, { cause: error })
  }
}
