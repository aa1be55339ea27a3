import { Level } from 'level'
import { DamselflyError } from '../protocol/errors.ts'
import { ensurePrivateDirectory } from './fs.ts'
import { createStartable, type Startable } from './lifecycle.ts'

/** Settings of a record store. */
export interface RecordStoreInit {
  /** For its database. One process at a time uses it. */
  readonly directory: string
  /** What is in it, for messages: `members`. */
  readonly name: string
}

/** A table of JSON records that outlasts a restart. All of it is in memory, so that only writes wait for the disk. */
export class RecordStore<Key extends string, Value> implements Startable {
  readonly #init: RecordStoreInit
  readonly #lifecycle = createStartable(
    () => this.#begin(),
    () => this.#end(),
  )
  readonly #records = new Map<Key, Value>()
  #database: Level<Key, Value> | undefined

  constructor(init: RecordStoreInit) {
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
    await this.#named(database => database.put(key, value))
    this.#records.set(key, value)
  }

  /** @returns false if it was not there. @throws DamselflyError STORE_FAILED */
  async delete(key: Key): Promise<boolean> {
    if (!this.#records.has(key)) return false
    await this.#named(database => database.del(key))
    return this.#records.delete(key)
  }

  async #begin(): Promise<void> {
    const { directory } = this.#init
    await ensurePrivateDirectory(directory)
    this.#database = new Level<Key, Value>(directory, { valueEncoding: 'json' })
    await this.#named(async database => {
      await database.open()
      for await (const [key, value] of database.iterator()) this.#records.set(key, value)
    })
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
