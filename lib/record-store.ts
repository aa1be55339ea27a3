import { Level } from 'level'
import { DamselflyError } from '../protocol/errors.ts'
import { ensurePrivateDirectory } from './fs.ts'
import { createStartable, type Startable } from './lifecycle.ts'
import type { Logger } from './logger.ts'
import { type RecordForm, readRecord } from './stored-record.ts'

/** Settings of a record store. */
export interface RecordStoreInit<Key extends string, Value> {
  /** For its database. One process at a time uses it. */
  readonly directory: string
  /** What is in it, for messages: `members`. */
  readonly name: string
  /** Schemas, compiled. */
  readonly key: RecordForm<Key>
  readonly value: RecordForm<Value>
  /**
   * What becomes of records that have another form. `dropped`: they are deleted, with a warning. `refused`: the store does not start, since
   * nobody may get around what they forbid.
   */
  readonly damaged: 'dropped' | 'refused'
  /** What to do about damaged records, for the log or the error: `join those nodes again`. */
  readonly advice: string
}

/** Keys of damaged records in a log line or an error, at most. */
const MAX_NAMED = 5

/** A table of JSON records that outlasts a restart. All of it is in memory, so that only writes wait for the disk. */
export class RecordStore<Key extends string, Value> implements Startable {
  readonly #logger: Logger
  readonly #init: RecordStoreInit<Key, Value>
  readonly #lifecycle = createStartable(
    () => this.#begin(),
    () => this.#end(),
  )
  readonly #records = new Map<Key, Value>()
  /** The newest write of each record that is being written: the database may finish one before what was begun earlier. */
  readonly #writing = new Map<Key, Promise<unknown>>()
  #database: Level<Key, Value> | undefined

  constructor({ logger }: { readonly logger: Logger }, init: RecordStoreInit<Key, Value>) {
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

  get(key: Key): Value | undefined {
    return this.#records.get(key)
  }

  all(): ReadonlyMap<Key, Value> {
    return this.#records
  }

  /** @throws DamselflyError STORE_FAILED */
  async put(key: Key, value: Value): Promise<void> {
    await this.#inTurn(key, async () => {
      await this.#named(database => database.put(key, value))
      this.#records.set(key, value)
    })
  }

  /** @returns false if it was not there. @throws DamselflyError STORE_FAILED */
  async delete(key: Key): Promise<boolean> {
    return this.#inTurn(key, async () => {
      if (!this.#records.has(key)) return false
      await this.#named(database => database.del(key))
      return this.#records.delete(key)
    })
  }

  /** Writes of one record are made one after the other, whatever becomes of each. */
  async #inTurn<T>(key: Key, write: () => Promise<T>): Promise<T> {
    const before = this.#writing.get(key)
    const writing = before === undefined ? write() : before.then(write, write)
    this.#writing.set(key, writing)
    try {
      return await writing
    } finally {
      if (this.#writing.get(key) === writing) this.#writing.delete(key)
    }
  }

  async #begin(): Promise<void> {
    const { directory } = this.#init
    await ensurePrivateDirectory(directory)
    this.#database = new Level<Key, Value>(directory, { valueEncoding: 'json' })
    try {
      await this.#named(async database => {
        await database.open()
        await this.#read(database)
      })
    } catch (error) {
      await this.#end()
      throw error
    }
  }

  async #read(database: Level<Key, Value>): Promise<void> {
    // Neither keys nor values need be text any more.
    const asBytes = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
    const damaged: Buffer[] = []
    for await (const [keyBytes, stored] of database.iterator<Buffer, Buffer>(asBytes)) {
      const key: unknown = keyBytes.toString()
      const value = readRecord(this.#init.value, stored)
      if (value !== undefined && this.#init.key.Check(key)) this.#records.set(key, value)
      else damaged.push(keyBytes)
    }
    if (damaged.length === 0) return
    const { damaged: fate, name, directory, advice } = this.#init
    const keys = damaged.slice(0, MAX_NAMED).map(key => key.toString())
    if (fate === 'refused') {
      const which = `${damaged.length} records in ${directory} are damaged (${keys.map(key => JSON.stringify(key)).join(', ')})`
      throw new Error(`${which}; ${advice}`)
    }
    const deletions = damaged.map(key => ({ type: 'del', key, keyEncoding: 'buffer' }) as const)
    await database.batch<Buffer, Value>(deletions, {})
    this.#logger.warn({ store: name, count: damaged.length, keys, advice }, 'records were damaged, and are dropped')
  }

  async #end(): Promise<void> {
    const database = this.#database
    this.#database = undefined
    this.#records.clear()
    await database?.close()
  }

  async #named<T>(work: (database: Level<Key, Value>) => Promise<T>): Promise<T> {
    const { name } = this.#init
    if (this.#database === undefined) throw new DamselflyError('STORE_FAILED', `${name}: the list is not open`)
    try {
      return await work(this.#database)
    } catch (error) {
      throw new DamselflyError('STORE_FAILED', `${name}: ${(error as Error).message}`, { cause: error })
    }
  }
}
