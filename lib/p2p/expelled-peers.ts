import type { Expulsion } from '../../protocol/messages/fields.ts'
import type { Clock } from '../clock.ts'

/** Peers that are remembered. When there are more, those whose time is over soonest are forgotten. */
const MAX_PEERS = 16_384

/** Peers that get no connection for a while. */
export class ExpelledPeers {
  readonly #clock: Pick<Clock, 'wallTime'>
  readonly #maxPeers: number
  readonly #until = new Map<string, number>()

  constructor(clock: Pick<Clock, 'wallTime'>, maxPeers = MAX_PEERS) {
    this.#clock = clock
    this.#maxPeers = maxPeers
  }

  /** What is said of a peer takes the place of what was said before. */
  add(peers: readonly Expulsion[]): void {
    for (const { id, until } of peers) {
      this.#until.delete(id)
      if (until > this.#clock.wallTime()) this.#until.set(id, until)
    }
    if (this.#until.size > this.#maxPeers) this.#forgetSome()
  }

  has(peer: string): boolean {
    const until = this.#until.get(peer)
    return until !== undefined && until > this.#clock.wallTime()
  }

  #forgetSome(): void {
    const lasting = [...this.#until].sort(([, a], [, b]) => b - a).slice(0, this.#maxPeers)
    this.#until.clear()
    for (const [id, until] of lasting) this.#until.set(id, until)
  }
}
