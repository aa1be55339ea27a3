import { readFile } from 'node:fs/promises'
import { Bitfield } from '../../protocol/bitfield.ts'
import type { InventoryMessage } from '../../protocol/messages/inventory.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { LoggedEvent } from '../../supernode/control/event-log.ts'
import { waitFor } from './wait.ts'

const PATIENCE_MS = 20_000

/** The blocks that a node has said it holds: to a neighbour, or to the supernode, whose event log says so. */
export class ReportedBlocks {
  readonly #eventLog: string
  readonly #blocks = new Map<TaskId, Set<number>>()
  #readLines = 0

  /** @param eventLog file of a supernode */
  constructor(eventLog: string) {
    this.#eventLog = eventLog
  }

  of(task: TaskId): ReadonlySet<number> {
    return this.#blocks.get(task) ?? new Set()
  }

  /** A neighbour was told. */
  heard(message: InventoryMessage): void {
    if (message.type === 'have') this.#add(message.task, message.blocks)
    else if (message.type === 'lost') this.#delete(message.task, message.blocks)
    else if (message.type !== 'leave') this.#add(message.task, Bitfield.fromBytes(message.have))
  }

  /** Takes all that the supernode was told until it noticed that a killed node is gone. */
  async untilGone(peer: string): Promise<void> {
    let connections = 0
    await waitFor(
      async () => {
        for (const { event } of await this.#newEvents()) {
          if (!('peer' in event) || event.peer !== peer) continue
          if (event.type === 'peer-connected') connections++
          else if (event.type === 'peer-gone') connections--
          else if (event.type === 'have') this.#add(event.task, event.blocks)
          else if (event.type === 'lost') this.#delete(event.task, event.blocks)
        }
        return connections === 0
      },
      { timeoutMs: PATIENCE_MS, what: 'the supernode to notice that the node is gone' },
    )
  }

  async #newEvents(): Promise<LoggedEvent[]> {
    const lines = (await readFile(this.#eventLog, 'utf8')).split('\n').slice(0, -1)
    const added = lines.slice(this.#readLines)
    this.#readLines = lines.length
    return added.map(line => JSON.parse(line) as LoggedEvent)
  }

  #add(task: TaskId, blocks: Iterable<number>): void {
    const known = this.#blocks.get(task) ?? new Set()
    this.#blocks.set(task, known)
    for (const block of blocks) known.add(block)
  }

  #delete(task: TaskId, blocks: Iterable<number>): void {
    for (const block of blocks) this.#blocks.get(task)?.delete(block)
  }
}
