import { rm } from 'node:fs/promises'
import { Level } from 'level'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { BLOCK_DIGEST_BYTES, type BlockDigest } from '../../protocol/block-map.ts'
import { isTaskId, type TaskId } from '../../protocol/task.ts'
import type { Logger } from '../logger.ts'
import { readRecord } from '../stored-record.ts'
import type { TaskRecord } from './shared-task.ts'
import { isDamagedDatabase } from './store-errors.ts'

/** A task's record on disk. `epoch` is the run count of the store in which its blocks were last known to be good. */
export interface IndexedTask extends TaskRecord {
  readonly epoch: number
}

/** A record of `tasks`. */
export const StoredTask = Type.Object({
  blockSizeBytes: Type.Integer({ minimum: 1 }),
  sizeBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  complete: Type.Boolean(),
  usedAt: Type.Number(),
  /** Missing in records of versions that knew no pins. */
  pinned: Type.Optional(Type.Boolean()),
  epoch: Type.Integer(),
})
const taskForm = Compile(StoredTask)
const epochForm = Compile(Type.Integer({ minimum: 0, maximum: 2 ** 52 }))
/** What lies on the disk need not be JSON any more. */
const AS_BYTES = { valueEncoding: 'view' } as const

function sublevels(database: Level) {
  return {
    tasks: database.sublevel<string, unknown>('tasks', { valueEncoding: 'json' }),
    blocks: database.sublevel<string, Uint8Array>('blocks', { valueEncoding: 'view' }),
    state: database.sublevel<string, number>('state', { valueEncoding: 'json' }),
  }
}

/**
 * What the disk store knows about its tasks, in one Level database: `tasks` (task id → record), `blocks`
 * (task id/index → block digest, present exactly while the block is), `state` (`running`, `epoch`).
 *
 * Only the start and the clean stop wait for the disk. A put that is lost with the power merely loses a block, and a put
 * that outlives its block's bytes is found by hashing: the `running` key is on disk before the first change and leaves it
 * after the last bytes, so whatever happens between starts a new epoch, and tasks of older epochs are hashed before use.
 */
export class BlockIndex {
  readonly #database: Level
  #levels: ReturnType<typeof sublevels>
  /** Resolves when the database may be written; rejects when it could not be opened again. */
  #usable: Promise<void> | undefined
  readonly epoch: number

  constructor(database: Level, epoch: number) {
    this.#database = database
    this.#levels = sublevels(database)
    this.epoch = epoch
  }

  /**
   * Opens the database, which locks it, and reads it. A damaged one is replaced by an empty one, because it only describes a
   * cache.
   */
  static async open<Read>(
    path: string,
    read: (index: BlockIndex) => Promise<Read>,
    logger: Logger,
  ): Promise<{ index: BlockIndex; read: Read }> {
    try {
      return await openAndRead(path, read, logger)
    } catch (error) {
      if (!isDamagedDatabase(error)) throw error
      logger.warn({ err: error }, 'the block index is damaged; starting with an empty store')
      await rm(path, { recursive: true, force: true })
      return openAndRead(path, read, logger)
    }
  }

  /** Ends the run. @param clean whether every byte that the index describes is on the disk */
  async close(clean: boolean): Promise<void> {
    try {
      const { state } = this.#levels
      if (clean) await this.#database.batch([{ type: 'del', sublevel: state, key: 'running' }], { sync: true })
    } finally {
      await this.#database.close()
    }
  }

  /** All tasks. Records that cannot be read are passed over. */
  async tasks(): Promise<Map<TaskId, IndexedTask>> {
    const found = new Map<TaskId, IndexedTask>()
    for await (const [key, value] of this.#levels.tasks.iterator<string, Uint8Array>(AS_BYTES)) {
      const task = readTask(value)
      if (isTaskId(key) && task !== undefined) found.set(key, task)
    }
    return found
  }

  async task(taskId: TaskId): Promise<IndexedTask | undefined> {
    await this.#usable
    return readTask(await this.#levels.tasks.get<string, Uint8Array>(taskId, AS_BYTES))
  }

  async saveTask(taskId: TaskId, task: IndexedTask): Promise<void> {
    await this.#write(({ tasks }) => tasks.put(taskId, task))
  }

  /** Every present block of every task, in the order of task id and index, without the digests. */
  async *blockKeys(): AsyncGenerator<{ taskId: string; index: number }> {
    for await (const key of this.#levels.blocks.keys()) {
      const slash = key.indexOf('/')
      yield { taskId: key.slice(0, slash), index: Number.parseInt(key.slice(slash + 1), 16) }
    }
  }

  async blocks(taskId: TaskId): Promise<Map<number, BlockDigest>> {
    await this.#usable
    const found = new Map<number, BlockDigest>()
    for await (const [key, value] of this.#levels.blocks.iterator(blocksOf(taskId))) {
      if (value.length !== BLOCK_DIGEST_BYTES) continue
      found.set(Number.parseInt(key.slice(taskId.length + 1), 16), Uint8Array.from(value) as BlockDigest)
    }
    return found
  }

  async saveBlock(taskId: TaskId, index: number, digest: BlockDigest): Promise<void> {
    await this.#write(({ blocks }) => blocks.put(blockKey(taskId, index), digest))
  }

  async deleteBlocks(taskId: TaskId, indices: Iterable<number>): Promise<void> {
    const deletions = [...indices].map(index => ({ type: 'del', key: blockKey(taskId, index) }) as const)
    await this.#write(({ blocks }) => blocks.batch(deletions))
  }

  /** Forgets a task: first its record, so that an interruption leaves blocks without a task, which nothing serves. */
  async deleteTask(taskId: string): Promise<void> {
    await this.#write(({ tasks }) => tasks.del(taskId))
    await this.#write(({ blocks }) => blocks.clear(blocksOf(taskId)))
  }

  /**
   * Changes the database. After a change that failed it is opened anew before the next: a log entry that was cut short, for want
   * of room, takes all that stand behind it with it at the next start.
   */
  async #write(change: (levels: ReturnType<typeof sublevels>) => Promise<void>): Promise<void> {
    try {
      await this.#usable
      await change(this.#levels)
    } catch (error) {
      const reopening = this.#reopen()
      this.#usable = reopening
      reopening.catch(() => {})
      throw error
    }
  }

  async #reopen(): Promise<void> {
    await this.#usable?.catch(() => {})
    await this.#database.close()
    await this.#database.open()
    this.#levels = sublevels(this.#database)
  }
}

async function openAndRead<Read>(path: string, read: (index: BlockIndex) => Promise<Read>, logger: Logger) {
  const database = new Level(path)
  try {
    await database.open()
    const index = new BlockIndex(database, await beginEpoch(database, logger))
    return { index, read: await read(index) }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Marks the store as running. @returns the epoch, a new one when the last run did not end cleanly */
async function beginEpoch(database: Level, logger: Logger): Promise<number> {
  const { state } = sublevels(database)
  const unclean = (await state.get<string, Uint8Array>('running', AS_BYTES)) !== undefined
  const before = await state.get<string, Uint8Array>('epoch', AS_BYTES)
  // A count that is damaged goes on from one that no run can have had, lest blocks of before count as good.
  const known = before === undefined ? 0 : (readRecord(epochForm, before) ?? Date.now())
  const epoch = known + (unclean ? 1 : 0)
  if (unclean) logger.info({ epoch }, 'the block store was not stopped cleanly; blocks are hashed before use')
  const operations = [
    { type: 'put', sublevel: state, key: 'running', value: 1 },
    { type: 'put', sublevel: state, key: 'epoch', value: epoch },
  ] as const
  await database.batch<string, number>([...operations], { sync: true })
  return epoch
}

function readTask(stored: Uint8Array | undefined): IndexedTask | undefined {
  const value = readRecord(taskForm, stored)
  if (value === undefined) return undefined
  return { ...value, sizeBytes: value.sizeBytes, pinned: value.pinned ?? false }
}

function blockKey(taskId: TaskId, index: number): string {
  return `${taskId}/${index.toString(16).padStart(8, '0')}`
}

/** '0' is the character after '/'. */
function blocksOf(taskId: string): { gt: string; lt: string } {
  return { gt: `${taskId}/`, lt: `${taskId}0` }
}
