import type { BlockStore } from '../../lib/blocks/block-store.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { type TaskId, taskIdOfDigest } from '../../protocol/task.ts'
import type { ReplicaKeeper } from '../replicas/replica-keeper.ts'
import type { Seeder } from '../seed/seeder.ts'
import type { ImportedBody } from '../seed/take-import.ts'
import type { ImportStore } from './import-store.ts'

export interface ImportsComponents {
  readonly records: ImportStore
  readonly store: Pick<BlockStore, 'find' | 'pin' | 'remove'>
  readonly seeder: Pick<Seeder, 'import'>
  readonly replicas: Pick<ReplicaKeeper, 'want' | 'drop'>
  readonly clock: Clock
  readonly logger: Logger
}

/** Imports that run or wait at once; more are refused. Each holds some blocks in memory, of up to 4 MiB. */
const MAX_IMPORTS = 64

/** Content that somebody has put into the swarm, and that has no other origin (docs/decisions/0022-imports.md). */
export class Imports implements Startable {
  readonly #components: ImportsComponents
  #running = 0

  constructor(components: ImportsComponents) {
    this.#components = components
  }

  /** The records and the store have been started. */
  async start(): Promise<void> {
    const { records, store, replicas, logger } = this.#components
    for (const taskId of records.marked()) {
      if ((await store.find(taskId))?.complete !== true) await store.remove(taskId)
      await records.unmark(taskId)
    }
    for (const [taskId, { replicas: wanted }] of records.all()) {
      replicas.want(taskId, wanted, true)
      if ((await store.find(taskId))?.complete === true) await store.pin(taskId, true)
      else logger.warn({ taskId }, 'imported content is not whole any more; import it again')
    }
  }

  async stop(): Promise<void> {}

  /** Whether content was imported, be it whole or not. */
  isImported(taskId: TaskId): boolean {
    return this.#components.records.get(taskId) !== undefined
  }

  /**
   * Takes content from whoever sends it. From its end on it counts as imported and stays until it is removed.
   * @param replicas how many peers shall keep a copy; as before by default, and none at first
   * @returns whether it had been imported before
   * @throws DamselflyError as `Seeder.import` does; TOOMANYREQUESTS also when many others are on their way
   */
  async take(imported: ImportedBody, replicas: number | undefined): Promise<boolean> {
    if (this.#running >= MAX_IMPORTS) throw new DamselflyError('TOOMANYREQUESTS', 'other files are being imported')
    this.#running++
    try {
      await this.#components.seeder.import(imported)
      return await this.#note(taskIdOfDigest(imported.digest), replicas)
    } finally {
      this.#running--
    }
  }

  /** @returns whether it was noted before */
  async #note(taskId: TaskId, replicas: number | undefined): Promise<boolean> {
    const { records, store, clock, logger } = this.#components
    const before = records.get(taskId)
    const wanted = replicas ?? before?.replicas ?? 0
    // In this order: what is pinned without a record would stay for ever.
    await records.put(taskId, { replicas: wanted, importedAt: before?.importedAt ?? clock.wallTime() })
    await store.pin(taskId, true)
    this.#components.replicas.want(taskId, wanted)
    logger.info({ taskId, replicas: wanted }, 'content imported')
    return before !== undefined
  }

  /** Says how many peers shall keep a copy. @throws DamselflyError TASK_UNKNOWN for what was not imported */
  async wantReplicas(taskId: TaskId, wanted: number): Promise<void> {
    const { records, replicas } = this.#components
    const record = records.get(taskId)
    if (record === undefined) throw new DamselflyError('TASK_UNKNOWN', 'only imported content has replicas')
    await records.put(taskId, { ...record, replicas: wanted })
    replicas.want(taskId, wanted)
  }

  /** Forgets that content was imported, and has peers let their copies go; what is stored here is the caller's to delete. */
  async forget(taskId: TaskId): Promise<boolean> {
    const { records, replicas } = this.#components
    replicas.drop(taskId)
    return records.delete(taskId)
  }
}
