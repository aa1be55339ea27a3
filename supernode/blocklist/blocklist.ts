import { type Static, Type } from 'typebox'
import type { Clock } from '../../lib/clock.ts'
import type { Startable } from '../../lib/lifecycle.ts'
import type { RecordStore } from '../../lib/record-store.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { BlockedEntry } from '../../protocol/messages/blocklist.ts'
import { isTaskId, type TaskId } from '../../protocol/task.ts'

/** What is kept of an entry; its id is the key. */
export const BlockRecord = Type.Omit(BlockedEntry, ['id', 'kind'])
export type BlockRecord = Static<typeof BlockRecord>

export interface BlocklistComponents {
  readonly records: RecordStore<string, BlockRecord>
  readonly clock: Clock
  /** Hears of each change after it counts. */
  readonly listener: BlocklistListener
}

/** Who acts on what is blocked. */
export interface BlocklistListener {
  peerBlocked(peer: string): Promise<void>
  peerUnblocked(peer: string): Promise<void>
  taskBlocked(task: TaskId): Promise<void>
  taskUnblocked(task: TaskId): void
}

/** More are refused: a list this long is a policy, and belongs elsewhere. */
const MAX_ENTRIES = 10_000

/** Peers that may not take part, and content that may not be distributed, by order of an operator. */
export class Blocklist implements Startable {
  readonly #components: BlocklistComponents

  constructor(components: BlocklistComponents) {
    this.#components = components
  }

  /** @throws DamselflyError CONFIG_INVALID, STORE_FAILED */
  start(): Promise<void> {
    return this.#components.records.start()
  }

  stop(): Promise<void> {
    return this.#components.records.stop()
  }

  list(): BlockedEntry[] {
    return [...this.#components.records.all()].map(([id, record]) => ({ id, kind: kindOf(id), ...record }))
  }

  blocksPeer(peer: string): boolean {
    return this.#components.records.get(peer) !== undefined
  }

  /** @throws DamselflyError TASK_BLOCKED */
  checkTask(task: TaskId): void {
    const record = this.#components.records.get(task)
    if (record === undefined) return
    throw new DamselflyError('TASK_BLOCKED', record.reason === '' ? undefined : record.reason)
  }

  /** @param by who orders it, for the list. @throws DamselflyError TOOMANYREQUESTS, STORE_FAILED */
  async add(id: string, { reason, by }: Pick<BlockRecord, 'reason' | 'by'>): Promise<void> {
    const { records, clock, listener } = this.#components
    if (records.get(id) === undefined && records.all().size >= MAX_ENTRIES) {
      throw new DamselflyError('TOOMANYREQUESTS', `the list holds ${MAX_ENTRIES} entries; remove some`)
    }
    await records.put(id, { reason, by, at: clock.wallTime() })
    if (isTaskId(id)) await listener.taskBlocked(id)
    else await listener.peerBlocked(id)
  }

  /** @returns false if it was not on the list. @throws DamselflyError STORE_FAILED */
  async remove(id: string): Promise<boolean> {
    const wasThere = await this.#components.records.delete(id)
    const { listener } = this.#components
    if (!wasThere) return false
    if (isTaskId(id)) listener.taskUnblocked(id)
    else await listener.peerUnblocked(id)
    return true
  }

  tasks(): TaskId[] {
    return [...this.#components.records.all().keys()].filter(isTaskId)
  }
}

function kindOf(id: string): BlockedEntry['kind'] {
  return isTaskId(id) ? 'task' : 'peer'
}
