import { join } from 'node:path'
import { Level } from 'level'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ensurePrivateDirectory } from '../../lib/fs.ts'
import { createStartable, type Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import { readRecord } from '../../lib/stored-record.ts'
import { digestOf } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { DigestField, SizeField } from '../../protocol/messages/fields.ts'
import { isTaskId, type TaskId } from '../../protocol/task.ts'

/** Content as it was read from its origin. */
export interface SmallContent {
  readonly bytes: Uint8Array
  readonly contentType: string | undefined
}

/** What is kept of a content; its task is the key. */
export const ContentRecord = Type.Object({
  sizeBytes: SizeField,
  digest: DigestField,
  /** Counts up: the oldest goes first when room is needed. */
  order: SizeField,
  contentType: Type.Optional(Type.String()),
})
type ContentRecord = Static<typeof ContentRecord>

const recordForm = Compile(ContentRecord)

/** A content that is to be written. */
interface Write {
  readonly taskId: TaskId
  readonly bytes: Uint8Array
  readonly record: ContentRecord
}

export interface SmallContentStoreInit {
  /** A folder in it holds the database. One process at a time uses it. */
  readonly dataDir: string
  readonly maxBytes: number
}

/** When room is needed, so much more is made, so that not every write has to. */
const ROOM_SHARE = 0.1

/**
 * Keeps small contents whole, in one database: a file, a block map and a swarm for each would cost far more than they are. What was
 * read first goes first when there is no room.
 */
export class SmallContentStore implements Startable {
  readonly #logger: Logger
  readonly #init: SmallContentStoreInit
  readonly #lifecycle = createStartable(
    () => this.#begin(),
    () => this.#end(),
  )
  readonly #records = new Map<TaskId, ContentRecord>()
  #levels: ReturnType<typeof sublevels> | undefined
  #database: Level | undefined
  #storedBytes = 0
  #order = 0
  #writing: Promise<void> = Promise.resolve()
  #unwritten: Write[] = []

  constructor({ logger }: { readonly logger: Logger }, init: SmallContentStoreInit) {
    this.#logger = logger
    this.#init = init
  }

  /** @throws DamselflyError CONFIG_INVALID, STORE_FAILED */
  start(): Promise<void> {
    return this.#lifecycle.start()
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  has(taskId: TaskId): boolean {
    return this.#records.has(taskId)
  }

  /** Lengths in bytes by task, the oldest first. */
  list(): readonly { readonly taskId: TaskId; readonly sizeBytes: number }[] {
    return [...this.#records].map(([taskId, { sizeBytes }]) => ({ taskId, sizeBytes }))
  }

  /** @returns undefined for content that is not here, or has been damaged, which is forgotten */
  async get(taskId: TaskId): Promise<SmallContent | undefined> {
    const record = this.#records.get(taskId)
    if (record === undefined) return undefined
    const bytes = await this.#open().contents.get(taskId)
    if (bytes !== undefined && digestOf(bytes) === record.digest) return { bytes, contentType: record.contentType }
    await this.delete(taskId)
    return undefined
  }

  /** @throws DamselflyError STORE_FAILED */
  async put(taskId: TaskId, { bytes, contentType }: SmallContent): Promise<void> {
    await this.delete(taskId)
    const sizeBytes = bytes.length
    await this.#makeRoom(sizeBytes)
    const record = { sizeBytes, digest: digestOf(bytes), order: this.#order++, ...(contentType && { contentType }) }
    await this.#write({ taskId, bytes, record })
    this.#records.set(taskId, record)
    this.#storedBytes += sizeBytes
  }

  /** @returns false if it was not here */
  async delete(taskId: TaskId): Promise<boolean> {
    const record = this.#records.get(taskId)
    if (record === undefined) return false
    this.#records.delete(taskId)
    this.#storedBytes -= record.sizeBytes
    const { database, contents, records } = this.#open()
    await named(() =>
      database.batch([
        { type: 'del', sublevel: records, key: taskId },
        { type: 'del', sublevel: contents, key: taskId },
      ]),
    )
    return true
  }

  /** Contents that come while others are being written are written together: each trip to the disk costs more than they do. */
  #write(write: Write): Promise<void> {
    this.#unwritten.push(write)
    if (this.#unwritten.length === 1) this.#writing = this.#writing.catch(() => {}).then(() => this.#writeAll())
    return this.#writing
  }

  async #writeAll(): Promise<void> {
    const writes = this.#unwritten
    this.#unwritten = []
    const { database, contents, records } = this.#open()
    const puts = writes.flatMap(({ taskId, bytes, record }) => [
      { type: 'put' as const, sublevel: contents, key: taskId, value: bytes },
      { type: 'put' as const, sublevel: records, key: taskId, value: record },
    ])
    await named(() => database.batch<string, unknown>(puts, {}))
  }

  async #makeRoom(sizeBytes: number): Promise<void> {
    const { maxBytes } = this.#init
    if (this.#storedBytes + sizeBytes <= maxBytes) return
    const keptBytes = maxBytes * (1 - ROOM_SHARE) - sizeBytes
    for (const taskId of this.#records.keys()) {
      if (this.#storedBytes <= keptBytes) return
      await this.delete(taskId)
    }
  }

  async #begin(): Promise<void> {
    const directory = join(this.#init.dataDir, 'small')
    await ensurePrivateDirectory(directory)
    const database = new Level(directory)
    await named(() => database.open())
    this.#database = database
    this.#levels = sublevels(database)
    const found = await named(() => this.#readAll())
    for (const [taskId, record] of found.sort(([, a], [, b]) => a.order - b.order)) {
      this.#records.set(taskId, record)
      this.#storedBytes += record.sizeBytes
      this.#order = record.order + 1
    }
  }

  /** Records that are damaged go, and what they were about: it is read from its origin again. */
  async #readAll(): Promise<[TaskId, ContentRecord][]> {
    const { database, contents, records } = this.#open()
    const found: [TaskId, ContentRecord][] = []
    const damaged: string[] = []
    for await (const [key, stored] of records.iterator<string, Uint8Array>({ valueEncoding: 'view' })) {
      const record = readRecord(recordForm, stored)
      if (record !== undefined && isTaskId(key)) found.push([key, record])
      else damaged.push(key)
    }
    if (damaged.length === 0) return found
    await database.batch(
      damaged.flatMap(key => [
        { type: 'del' as const, sublevel: records, key },
        { type: 'del' as const, sublevel: contents, key },
      ]),
    )
    this.#logger.warn({ count: damaged.length }, 'small contents were damaged; they are read from their origins again')
    return found
  }

  async #end(): Promise<void> {
    await this.#writing.catch(() => {})
    const database = this.#database
    this.#database = undefined
    this.#levels = undefined
    this.#records.clear()
    this.#storedBytes = 0
    await database?.close()
  }

  #open(): ReturnType<typeof sublevels> {
    if (this.#levels === undefined)
      throw new DamselflyError('STORE_FAILED', 'the store of small contents is not running')
    return this.#levels
  }
}

function sublevels(database: Level) {
  return {
    database,
    contents: database.sublevel<string, Uint8Array>('contents', { valueEncoding: 'view' }),
    records: database.sublevel<string, ContentRecord>('records', { valueEncoding: 'json' }),
  }
}

async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new DamselflyError('STORE_FAILED', `small contents: ${(error as Error).message}`, { cause: error })
  }
}
