import { readdir, statfs, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type BlockDigest, blockRange } from '../../protocol/block-map.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'
import { type Clock, systemClock } from '../clock.ts'
import { ensurePrivateDirectory } from '../fs.ts'
import type { Hasher } from '../hashing/hasher.ts'
import { createInlineHasher } from '../hashing/inline-hasher.ts'
import { createStartable } from '../lifecycle.ts'
import type { Logger } from '../logger.ts'
import { BlockBuffers } from './block-buffers.ts'
import { type BlockFile, fileNameOf, type OpenBlockFile, openBlockFile, taskOfFileName } from './block-file.ts'
import { BlockIndex } from './block-index.ts'
import type { BlockMemory } from './block-loads.ts'
import type { BlockStore, StoredTask, StoreSpace, TaskBlocks, TaskShape } from './block-store.ts'
import { CheckedBlocks } from './checked-blocks.ts'
import { createDiskBacking, readFully } from './disk-task.ts'
import { type DiskSpace, type Quota, UNLIMITED } from './quota.ts'
import { RecentBlocks } from './recent-blocks.ts'
import { type SharingWay, shareFile } from './share-file.ts'
import { SharedTask } from './shared-task.ts'
import { toStoreError } from './store-errors.ts'
import { readStoredTasks } from './stored-tasks.ts'
import { isWhole } from './task-shape.ts'
import { TaskTable } from './task-table.ts'
import { blocksPastEnd, findDamagedBlocks, isIntact } from './verify-blocks.ts'

/** What a disk store is made of. `openFile` lets tests put a failing file in the place of a real one. */
export interface DiskBlockStoreComponents {
  readonly logger: Logger
  readonly clock?: Clock
  /** Memory for blocks; by default of its own. */
  readonly buffers?: BlockBuffers
  /** By default blocks are hashed at once. */
  readonly hasher?: Hasher
  readonly openFile?: OpenBlockFile
  /** Asks how full the file system of a directory is; lets tests pretend that it is. */
  readonly diskSpace?: (directory: string) => Promise<DiskSpace>
}

export interface DiskBlockStoreInit {
  /** Created when it does not exist. */
  readonly dataDir: string
  /** What the blocks may take; by default all of the disk. */
  readonly quota?: Quota
  /** Memory for the blocks that were used last. */
  readonly recentBytes?: number
}

/** As much as a download has ahead of its readers (docs/decisions/0010). */
const RECENT_BYTES = 8 * 1024 * 1024

/** How often room is made for what others write on the same disk. */
const SWEEP_EVERY_MS = 30_000

/**
 * Keeps blocks in `<dataDir>/blocks`, one sparse file per task, and what it knows about them in `<dataDir>/index`.
 * One process at a time uses a data directory.
 */
export class DiskBlockStore implements BlockStore {
  readonly #logger: Logger
  readonly #openFile: OpenBlockFile
  readonly #dataDir: string
  readonly #filesDir: string
  readonly #table: TaskTable
  readonly #lifecycle = createStartable(
    () => this.#begin(),
    () => this.#end(),
  )
  /** Tasks whose bytes may not be on the disk yet. */
  readonly #unsynced = new Set<TaskId>()
  /** The blocks of each task that were written or hashed in this run. */
  readonly #checked = new Map<TaskId, CheckedBlocks>()
  readonly #clock: Clock
  readonly #memory: BlockMemory
  #index: BlockIndex | undefined
  #cancelSweeps = () => {}
  #stopping = new AbortController()

  constructor(components: DiskBlockStoreComponents, init: DiskBlockStoreInit) {
    this.#logger = components.logger
    this.#openFile = components.openFile ?? openBlockFile
    this.#memory = {
      buffers: components.buffers ?? new BlockBuffers(),
      recent: new RecentBlocks(init.recentBytes ?? RECENT_BYTES),
      hasher: components.hasher ?? createInlineHasher(),
    }
    this.#dataDir = resolve(init.dataDir)
    this.#filesDir = join(this.#dataDir, 'blocks')
    const source = {
      load: (stored: StoredTask) => this.#named('opening a task', () => this.#load(stored)),
      create: (taskId: TaskId, shape: TaskShape) => this.#named('creating a task', () => this.#create(taskId, shape)),
      erase: (taskId: TaskId) => this.#named('removing a task', () => this.#erase(taskId)),
    }
    const { diskSpace = diskSpaceOf } = components
    const disk = () => this.#named('asking for free space', () => diskSpace(this.#filesDir))
    this.#clock = components.clock ?? systemClock
    this.#table = new TaskTable({ source, clock: this.#clock, disk, logger: this.#logger }, init.quota ?? UNLIMITED)
  }

  /** @throws DamselflyError CONFIG_INVALID (unsuitable directory), STORE_FAILED (also when another process uses it) */
  start(): Promise<void> {
    return this.#lifecycle.start()
  }

  stop(): Promise<void> {
    this.#stopping.abort(new DamselflyError('STORE_FAILED', 'the block store is not running'))
    return this.#lifecycle.stop()
  }

  open(taskId: TaskId, shape: TaskShape): Promise<TaskBlocks> {
    return this.#table.open(taskId, shape)
  }

  openExisting(taskId: TaskId): Promise<TaskBlocks | undefined> {
    return this.#table.openExisting(taskId)
  }

  async list(): Promise<StoredTask[]> {
    return this.#table.list()
  }

  async find(taskId: TaskId): Promise<StoredTask | undefined> {
    return this.#table.find(taskId)
  }

  remove(taskId: TaskId): Promise<boolean> {
    return this.#table.remove(taskId)
  }

  pin(taskId: TaskId, pinned: boolean): Promise<boolean> {
    return this.#table.pin(taskId, pinned)
  }

  async share(taskId: TaskId, path: string, way: SharingWay): Promise<boolean> {
    const blocks = await this.openExisting(taskId)
    if (blocks === undefined) return false
    try {
      // A sync of the shared file need not tell again of what the disk refused before.
      await blocks.flushed()
      for (const block of [...blocks.present]) await blocks.check(block)
      return blocks.complete && (await shareFile(this.#path(taskId), path, way))
    } finally {
      await blocks.close()
    }
  }

  sweep(): Promise<TaskId[]> {
    return this.#table.sweep()
  }

  space(): Promise<StoreSpace> {
    return this.#table.space()
  }

  onRemoved(listener: (taskId: TaskId) => void): void {
    this.#table.onRemoved(listener)
  }

  async #begin(): Promise<void> {
    await ensurePrivateDirectory(this.#dataDir)
    const indexDir = join(this.#dataDir, 'index')
    await ensurePrivateDirectory(indexDir)
    const doing = `opening the data directory ${this.#dataDir}`
    // The lock of the index comes first: without it nothing in the directory may be touched.
    const { index, read: stored } = await this.#named(doing, () =>
      BlockIndex.open(indexDir, index => this.#readTasks(index), this.#logger),
    )
    try {
      await this.#deleteOrphans(stored)
      this.#stopping = new AbortController()
      this.#index = index
      this.#table.start(stored.values())
      this.#cancelSweeps = this.#clock.every(SWEEP_EVERY_MS, () => {
        this.#memory.buffers.trim()
        this.#sweepQuietly()
      })
    } catch (error) {
      await index.close(false)
      throw error
    }
  }

  async #readTasks(index: BlockIndex): Promise<Map<TaskId, StoredTask>> {
    await ensurePrivateDirectory(this.#filesDir)
    return readStoredTasks(index, await this.#files(), this.#logger)
  }

  async #end(): Promise<void> {
    const index = this.#index
    if (index === undefined) return
    this.#cancelSweeps()
    let clean = false
    try {
      await this.#table.stop()
      for (const taskId of this.#unsynced) await this.#sync(taskId)
      clean = true
    } catch (error) {
      this.#logger.warn({ err: error }, 'the block store did not stop cleanly; blocks will be hashed before use')
    } finally {
      this.#unsynced.clear()
      this.#checked.clear()
      this.#index = undefined
      await index.close(clean)
    }
  }

  async #create(taskId: TaskId, shape: TaskShape): Promise<SharedTask> {
    const index = this.#running()
    const { blockSizeBytes, sizeBytes } = shape
    const record = { blockSizeBytes, sizeBytes, complete: false, usedAt: 0, pinned: false }
    await index.deleteTask(taskId)
    const file = await this.#openFile(this.#path(taskId), 'new')
    return this.#closingOnError(file, async () => {
      await index.saveTask(taskId, { ...record, epoch: index.epoch })
      const digests = new Map<number, BlockDigest>()
      const shared = { taskId, record, digests, checked: this.#checkedOf(taskId), memory: this.#memory }
      return new SharedTask(shared, this.#backing(taskId, blockSizeBytes, file))
    })
  }

  async #load(stored: StoredTask): Promise<SharedTask> {
    const index = this.#running()
    const { taskId, blockSizeBytes, sizeBytes, usedAt, pinned } = stored
    const { file, found } = await this.#openStored(taskId)
    return this.#closingOnError(file, async () => {
      const digests = await index.blocks(taskId)
      const trusted = (await index.task(taskId))?.epoch === index.epoch
      const checked = this.#checkedOf(taskId)
      const lost = blocksPastEnd(digests.keys(), stored, await file.sizeBytes())
      for (const block of lost) digests.delete(block)
      if (!trusted) {
        // The bytes that are hashed now may still be in memory only, so they count as written in this run.
        this.#unsynced.add(taskId)
        const isDamaged = async (block: number, digest: BlockDigest) => {
          const { start, end } = blockRange(block, blockSizeBytes, sizeBytes)
          const wanted = { lengthBytes: end - start, digest }
          return !(await isIntact(this.#memory, wanted, into => readFully(file, start, into)))
        }
        const damaged = await findDamagedBlocks(digests, isDamaged, this.#stopping.signal)
        for (const block of damaged) digests.delete(block)
        lost.push(...damaged)
        for (const block of digests.keys()) checked.add(block)
      }
      if (lost.length > 0 || !found) this.#logger.warn({ taskId, blocks: lost.length }, 'stored blocks were lost')
      const complete = stored.complete && isWhole(stored, digests.size)
      const record = { blockSizeBytes, sizeBytes, complete, usedAt, pinned }
      await index.deleteBlocks(taskId, lost)
      await index.saveTask(taskId, { ...record, epoch: index.epoch })
      const shared = { taskId, record, digests, checked, memory: this.#memory }
      return new SharedTask(shared, this.#backing(taskId, blockSizeBytes, file))
    })
  }

  async #erase(taskId: TaskId): Promise<void> {
    await this.#running().deleteTask(taskId)
    this.#unsynced.delete(taskId)
    this.#checked.delete(taskId)
    await unlink(this.#path(taskId)).catch((error: NodeJS.ErrnoException) => {
      // Without a record the file is an orphan, which the next start deletes.
      if (error.code !== 'ENOENT') this.#logger.warn({ err: error, taskId }, 'a data file could not be deleted')
    })
  }

  #checkedOf(taskId: TaskId): CheckedBlocks {
    const checked = this.#checked.get(taskId) ?? new CheckedBlocks()
    this.#checked.set(taskId, checked)
    return checked
  }

  async #openStored(taskId: TaskId): Promise<{ file: BlockFile; found: boolean }> {
    try {
      return { file: await this.#openFile(this.#path(taskId), 'existing'), found: true }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return { file: await this.#openFile(this.#path(taskId), 'new'), found: false }
    }
  }

  #backing(taskId: TaskId, blockSizeBytes: number, file: BlockFile) {
    const onWrite = () => void this.#unsynced.add(taskId)
    return createDiskBacking({ taskId, blockSizeBytes, file, index: this.#running(), onWrite })
  }

  async #sync(taskId: TaskId): Promise<void> {
    const file = await this.#openFile(this.#path(taskId), 'existing')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async #files(): Promise<Set<TaskId>> {
    const names = await readdir(this.#filesDir)
    return new Set(names.map(taskOfFileName).filter(taskId => taskId !== undefined))
  }

  async #deleteOrphans(stored: ReadonlyMap<TaskId, StoredTask>): Promise<void> {
    const orphans = [...(await this.#files())].filter(taskId => !stored.has(taskId))
    for (const taskId of orphans) await unlink(this.#path(taskId))
    if (orphans.length > 0) this.#logger.warn({ files: orphans.length }, 'deleted data files without an index entry')
  }

  #sweepQuietly(): void {
    this.sweep().catch(error => this.#logger.warn({ err: error }, 'could not make room'))
  }

  #path(taskId: TaskId): string {
    return join(this.#filesDir, fileNameOf(taskId))
  }

  #running(): BlockIndex {
    if (this.#index === undefined) throw new DamselflyError('STORE_FAILED', 'the block store is not running')
    return this.#index
  }

  async #closingOnError<T>(file: BlockFile, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async #named<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw toStoreError(error, doing)
    }
  }
}

async function diskSpaceOf(directory: string): Promise<DiskSpace> {
  const { bsize, blocks, bavail } = await statfs(directory)
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
}
