import type { BlockBuffer, BlockBuffers } from '../../lib/blocks/block-buffers.ts'
import type { BlockStore, TaskShape } from '../../lib/blocks/block-store.ts'
import { openAsStored } from '../../lib/blocks/open-as-stored.ts'
import { storedBlockMap } from '../../lib/blocks/stored-block-map.ts'
import type { Clock } from '../../lib/clock.ts'
import type { BlockSource } from '../../lib/exchange/block-server.ts'
import type { Hasher } from '../../lib/hashing/hasher.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Source } from '../../lib/origin/origin.ts'
import { openResumable, type ResumableRead, type ResumeComponents } from '../../lib/origin/read-resumable.ts'
import { blockRange } from '../../protocol/block-map.ts'
import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError, type ErrorCode, toDamselflyError } from '../../protocol/errors.ts'
import { digestOfTask, type TaskId, taskIdOfDigest } from '../../protocol/task.ts'
import { fillTask } from './fill-task.ts'
import { paceReading } from './reading-pace.ts'
import { SeedTask } from './seed-task.ts'
import { checkImport, type ImportedBody, takeImport } from './take-import.ts'

/** Who wants to know how tasks come along. */
export interface SeedListener {
  /** More of the block map is known, or the size. */
  grown(task: SeedTask): void
  complete(task: SeedTask): void
  failed(task: SeedTask, error: DamselflyError): void
  /**
   * The blocks are gone: CONTENT_CORRUPT when they were not what the digest says, which ends their read; TASK_UNKNOWN when somebody
   * deleted them.
   */
  dropped(taskId: TaskId, code: ErrorCode): void
}

interface RunningImport {
  /** Whether blocks come that have not been proven: nobody may see them yet. */
  unproven: boolean
  readonly stop: AbortController
  /** Resolves when it is over, whatever came of it. */
  readonly over: Promise<void>
}

export interface SeederComponents {
  readonly store: BlockStore
  readonly buffers: BlockBuffers
  readonly hasher: Hasher
  readonly resume: ResumeComponents
  /** Content that is here already, though not as blocks: its origin need not be asked again. */
  readonly heldRead: (taskId: TaskId) => Promise<ResumableRead | undefined>
  /** Remembers, also after a crash, of which tasks blocks are stored that nobody has proven. */
  readonly unproven: {
    mark(taskId: TaskId): Promise<void>
    unmark(taskId: TaskId): Promise<void>
  }
  readonly listener: SeedListener
  /** Whether reading a task has to wait, because nobody waits for it while others are pulled. */
  readonly givesWay: (taskId: TaskId) => boolean
  readonly clock: Clock
  readonly logger: Logger
}

/** A task that nobody has asked for in so long is closed: what is not open may be deleted to make room. */
const IDLE_MS = 30_000
const TICK_MS = 5_000

/** Tries to open an origin that hiccups, and the first pause between them: a failure here sends the whole swarm there. */
const MAX_OPEN_TRIES = 4
const FIRST_PAUSE_MS = 100

/**
 * Holds the supernode's tasks and reads each from its origin, once for the whole cluster however many peers ask.
 * A read that was interrupted goes on behind the last stored block.
 */
export class Seeder implements BlockSource {
  readonly #components: SeederComponents
  readonly #tasks = new Map<TaskId, Promise<SeedTask>>()
  readonly #ready = new Map<TaskId, SeedTask>()
  readonly #reads = new Map<TaskId, Promise<void>>()
  /** One for each digest at most. */
  readonly #imports = new Map<TaskId, RunningImport>()
  /** Tasks that are on their way out, and why. */
  readonly #drops = new Map<TaskId, { readonly code: ErrorCode; readonly over: Promise<void> }>()
  #stopping = new AbortController()
  #cancelTick = () => {}

  constructor(components: SeederComponents) {
    this.#components = components
    components.store.onRemoved(taskId => this.#removed(taskId))
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController()
    this.#cancelTick()
    this.#cancelTick = this.#components.clock.every(TICK_MS, () => this.#closeIdle())
  }

  /** Ends all origin reads; what is stored stays. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#cancelTick()
    await Promise.allSettled(this.#reads.values())
    await this.#endImports(
      [...this.#imports.keys()],
      new DamselflyError('TOOMANYREQUESTS', 'the supernode is stopping'),
    )
    const tasks = await Promise.allSettled(this.#tasks.values())
    this.#tasks.clear()
    this.#ready.clear()
    for (const task of tasks) if (task.status === 'fulfilled') await task.value.blocks.close()
  }

  /** The tasks that are open here. */
  tasks(): Iterable<SeedTask> {
    return this.#ready.values()
  }

  get(taskId: TaskId): SeedTask | undefined {
    return this.#ready.get(taskId)
  }

  /** A task that is stored from an earlier time. */
  async find(taskId: TaskId): Promise<SeedTask | undefined> {
    if (this.isImporting(taskId)) return undefined
    const open = this.#tasks.get(taskId)
    if (open !== undefined) return this.#asked(await open)
    const stored = await this.#components.store.find(taskId)
    return stored === undefined ? undefined : this.#asked(await this.#open(taskId, stored))
  }

  /** What is known of a task that is open or stored. It is not opened, so that it may be deleted as before. */
  async shapeOf(taskId: TaskId): Promise<TaskShape | undefined> {
    if (this.isImporting(taskId)) return undefined
    const open = this.#ready.get(taskId)
    if (open === undefined) return this.#components.store.find(taskId)
    const { blockSizeBytes, sizeBytes } = open.map
    return { blockSizeBytes, sizeBytes }
  }

  /** The task, with its origin being read from now on unless it is complete or being read already. */
  async ensure(taskId: TaskId, source: Source, shape: TaskShape): Promise<SeedTask> {
    // Whoever sends an import may take long, or send something else: what its origin gives does not wait for that.
    const reason = 'the same content is being read from its origin; import it again'
    await this.#endImports([taskId], new DamselflyError('TOOMANYREQUESTS', reason))
    // What was wrong, or deleted, is neither given to those who come now nor read on.
    await this.#drops.get(taskId)?.over
    const task = this.#asked(await this.#open(taskId, shape))
    if (task.state === 'idle' || task.state === 'failed') this.#read(task, source)
    return task
  }

  /** Whether content is being imported that was not here before. */
  isImporting(taskId: TaskId): boolean {
    return this.#imports.get(taskId)?.unproven === true
  }

  /**
   * Takes content from somebody who sends it. One at a time for each digest; content that is here already is read to its end all the
   * same, since whoever only knows its digest may not have it.
   * @returns whether it was here before
   * @throws DamselflyError DIGEST_INVALID for other content; TOOMANYREQUESTS when its origin is read meanwhile; STORE_FULL, STORE_FAILED;
   * what the body throws
   */
  async import(imported: ImportedBody): Promise<boolean> {
    const taskId = taskIdOfDigest(imported.digest)
    for (let other = this.#imports.get(taskId); other !== undefined; other = this.#imports.get(taskId)) await other.over
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    const running: RunningImport = { unproven: false, stop: new AbortController(), over }
    this.#imports.set(taskId, running)
    try {
      return await this.#import(taskId, imported, running)
    } finally {
      this.#imports.delete(taskId)
      end()
    }
  }

  /** Forgets a task and its blocks. @returns false if it was not known */
  async drop(taskId: TaskId, code: ErrorCode = 'TASK_UNKNOWN'): Promise<boolean> {
    await this.#endImports([taskId], new DamselflyError('TASK_UNKNOWN', 'it was deleted meanwhile'))
    return this.#drop(taskId, code)
  }

  async #drop(taskId: TaskId, code: ErrorCode): Promise<boolean> {
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    this.#drops.set(taskId, { code, over })
    try {
      const removed = await this.#components.store.remove(taskId)
      await this.#close(taskId)
      return removed
    } finally {
      this.#drops.delete(taskId)
      end()
    }
  }

  async lengthOf(taskId: TaskId, block: number): Promise<number | undefined> {
    const task = await this.find(taskId)
    if (task === undefined || block >= task.readyBlocks) return undefined
    if (!(await task.blocks.check(block))) {
      // Opened again, it is read from the origin again from the gap on.
      await this.#close(taskId)
      return undefined
    }
    const { start, end } = blockRange(block, task.map.blockSizeBytes, task.map.sizeBytes)
    return end - start
  }

  async read(taskId: TaskId, block: number, offset: number, length: number): Promise<BlockBuffer> {
    const task = await this.find(taskId)
    if (task === undefined) throw new DamselflyError('TASK_UNKNOWN')
    return task.blocks.read(block, offset, length)
  }

  async #import(taskId: TaskId, imported: ImportedBody, running: RunningImport): Promise<boolean> {
    const { store, unproven } = this.#components
    const signal = AbortSignal.any([running.stop.signal, this.#stopping.signal])
    for (let read = this.#reads.get(taskId); read !== undefined; read = this.#reads.get(taskId)) await read
    const stored = await store.find(taskId)
    if (stored?.complete === true) {
      await checkImport(this.#components, imported, signal)
      return true
    }
    running.unproven = true
    // What an earlier read left is of no use: only what the sender sends shows that it has all of it.
    if (stored !== undefined) await this.#drop(taskId, 'TASK_UNKNOWN')
    await unproven.mark(taskId)
    await takeImport(this.#components, imported, signal).finally(() => unproven.unmark(taskId))
    return false
  }

  async #endImports(taskIds: readonly TaskId[], reason: DamselflyError): Promise<void> {
    for (const taskId of taskIds) {
      const running = this.#imports.get(taskId)
      if (running?.unproven !== true) continue
      running.stop.abort(reason)
      await running.over
    }
  }

  #asked(task: SeedTask): SeedTask {
    task.askedAtMs = this.#components.clock.now()
    return task
  }

  /** Forgets a task and what it holds open; its blocks stay stored. */
  async #close(taskId: TaskId): Promise<void> {
    const opening = this.#tasks.get(taskId)
    this.#tasks.delete(taskId)
    this.#ready.delete(taskId)
    const task = await opening?.catch(() => undefined)
    await task?.blocks.close()
  }

  #closeIdle(): void {
    const nowMs = this.#components.clock.now()
    for (const { taskId, state, askedAtMs } of this.#ready.values()) {
      if (state !== 'reading' && nowMs - askedAtMs >= IDLE_MS) void this.#close(taskId).catch(() => {})
    }
  }

  #removed(taskId: TaskId): void {
    this.#components.listener.dropped(taskId, this.#drops.get(taskId)?.code ?? 'TASK_UNKNOWN')
  }

  #open(taskId: TaskId, shape: TaskShape): Promise<SeedTask> {
    const open = this.#tasks.get(taskId)
    if (open !== undefined) return open
    const opening = openAsStored(this.#components.store, taskId, shape).then(blocks => {
      const task = new SeedTask(taskId, blocks, storedBlockMap(blocks))
      this.#ready.set(taskId, task)
      this.#components.listener.grown(task)
      return task
    })
    this.#tasks.set(taskId, opening)
    opening.catch(() => this.#tasks.delete(taskId))
    return opening
  }

  #read(task: SeedTask, source: Source): void {
    task.state = 'reading'
    const reading = this.#readOrigin(task, source)
      .catch(thrown => this.#fail(task, toDamselflyError(thrown)))
      .finally(() => {
        if (this.#reads.get(task.taskId) === reading) this.#reads.delete(task.taskId)
      })
    this.#reads.set(task.taskId, reading)
  }

  async #readOrigin(task: SeedTask, source: Source): Promise<void> {
    const { buffers, hasher, heldRead, listener, givesWay, resume } = this.#components
    const { taskId } = task
    const pacing = { givesWay, wait: resume.wait }
    const openOrigin = async (start: number) =>
      (start === 0 ? await heldRead(taskId) : undefined) ?? (await this.#openOrigin(source, start))
    const grown = () => listener.grown(task)
    const pace = (bytes: number) => paceReading(pacing, { task: taskId, bytes }, this.#stopping)
    await this.#finish(task, await fillTask({ buffers, hasher, openOrigin, pace, grown }, task))
  }

  async #openOrigin(source: Source, start: number): Promise<ResumableRead> {
    const { resume } = this.#components
    const { signal } = this.#stopping
    for (let tries = 1; ; tries++) {
      try {
        return await openResumable(resume, source, { start, signal })
      } catch (error) {
        if (signal.aborted || tries >= MAX_OPEN_TRIES || !toDamselflyError(error).retryable) throw error
        await resume.wait(FIRST_PAUSE_MS * 2 ** (tries - 1), signal)
      }
    }
  }

  async #finish(task: SeedTask, found: Digest): Promise<void> {
    const expected = digestOfTask(task.taskId)
    if (expected !== undefined && found !== expected) {
      this.#components.logger.warn({ taskId: task.taskId, found }, 'what the origin sent has another digest')
      // Whoever is in its swarm hears of that. Those who come from then on are in that of another read.
      await this.#drop(task.taskId, 'CONTENT_CORRUPT')
      task.state = 'failed'
      return
    }
    await task.blocks.markComplete()
    task.state = 'complete'
    this.#components.listener.grown(task)
    this.#components.listener.complete(task)
    this.#components.logger.info({ taskId: task.taskId, sizeBytes: task.map.sizeBytes }, 'task complete')
  }

  #fail(task: SeedTask, error: DamselflyError): void {
    task.state = 'failed'
    if (this.#stopping.signal.aborted) return
    this.#components.logger.warn({ taskId: task.taskId, code: error.code }, 'origin read failed')
    this.#components.listener.failed(task, error)
  }
}
