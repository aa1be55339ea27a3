import type { Clock } from '../../lib/clock.ts'
import type { Startable } from '../../lib/lifecycle.ts'
import type { RecordStore } from '../../lib/record-store.ts'
import { type Expulsion, SizeField } from '../../protocol/messages/fields.ts'

/** Until when a peer is expelled, in milliseconds since 1970. Its PeerId is the key. */
export const ExpulsionRecord = SizeField

export interface ExpulsionsComponents {
  /** Moments until which peers are expelled, in milliseconds since 1970. */
  readonly records: RecordStore<string, number>
  readonly clock: Clock
  /** Hears of each that is added or lifted, which has a moment of the past then. */
  readonly changed: (expulsion: Expulsion) => void
}

/** Peers whose credentials are still good and yet must not be taken. It outlasts a restart of the supernode. */
export class Expulsions implements Startable {
  readonly #components: ExpulsionsComponents

  constructor(components: ExpulsionsComponents) {
    this.#components = components
  }

  /** @throws DamselflyError CONFIG_INVALID, STORE_FAILED */
  start(): Promise<void> {
    return this.#components.records.start()
  }

  stop(): Promise<void> {
    return this.#components.records.stop()
  }

  /** Those that are in force. */
  current(): Expulsion[] {
    const now = this.#components.clock.wallTime()
    return [...this.#components.records.all()].filter(([, until]) => until > now).map(([id, until]) => ({ id, until }))
  }

  /** @throws DamselflyError STORE_FAILED, when it is in force all the same until the end of this program */
  async add(expulsion: Expulsion): Promise<void> {
    const { records, changed, clock } = this.#components
    changed(expulsion)
    await records.put(expulsion.id, expulsion.until)
    const now = clock.wallTime()
    for (const [peer, until] of [...records.all()]) if (until <= now) await records.delete(peer)
  }

  /** Lets a peer in again. @throws DamselflyError STORE_FAILED */
  async lift(peer: string): Promise<void> {
    const { records, changed } = this.#components
    if (await records.delete(peer)) changed({ id: peer, until: 0 })
  }
}
