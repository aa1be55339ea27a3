import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosCluster } from '../cluster/chaos-cluster.ts'
import { timeNow } from '../cluster/lines.ts'
import { type HappenedFault, type PlannedFault, placesOf } from '../plan/fault.ts'
import { FAULT_ACTIONS } from './fault-actions.ts'

/** The faults of a run, as they happen. */
export class FaultRun {
  readonly #cluster: ChaosCluster
  readonly #t0: number
  readonly #heard: (what: string) => void
  readonly #happened = new Map<number, HappenedFault>()
  /** The last fault in each place: the next waits for it, should a program need long to start. */
  readonly #inPlace = new Map<string, Promise<void>>()

  /** @param t0 when the load begins, in milliseconds since 1970 */
  constructor(cluster: ChaosCluster, { t0, heard }: { t0: number; heard: (what: string) => void }) {
    this.#cluster = cluster
    this.#t0 = t0
    this.#heard = heard
  }

  get happened(): HappenedFault[] {
    return [...this.#happened.values()]
  }

  /** Begins each fault when it is due and heals it, until all have healed. @throws Error when one could not be done or healed */
  async run(faults: readonly PlannedFault[], { signal }: { signal: AbortSignal }): Promise<void> {
    const running: Promise<void>[] = []
    for (const fault of faults) {
      const places = placesOf(fault)
      const before = Promise.all(places.map(place => this.#inPlace.get(place)))
      const done = before.then(() => this.#happen(fault, signal))
      // It is awaited below; one that fails meanwhile must not count as nobody's.
      done.catch(() => {})
      for (const place of places) this.#inPlace.set(place, done)
      running.push(done)
    }
    await Promise.all(running)
  }

  async #happen(fault: PlannedFault, signal: AbortSignal): Promise<void> {
    await this.#until(fault.atMs, signal)
    const beganAtMs = this.#nowMs()
    const forever = Number.POSITIVE_INFINITY
    this.#happened.set(fault.id, { ...fault, beganAtMs, healingAtMs: forever, healedAtMs: forever })
    const heal = await FAULT_ACTIONS[fault.kind](this.#cluster, fault)
    await this.#until(beganAtMs + fault.forMs, signal)
    const healingAtMs = this.#nowMs()
    this.#happened.set(fault.id, { ...fault, beganAtMs, healingAtMs, healedAtMs: forever })
    await heal()
    const healed = { ...fault, beganAtMs, healingAtMs, healedAtMs: this.#nowMs() }
    this.#happened.set(fault.id, healed)
    this.#heard(faultInWords(healed))
  }

  async #until(atMs: number, signal: AbortSignal): Promise<void> {
    const waitMs = atMs - this.#nowMs()
    if (waitMs > 0) await delay(waitMs, undefined, { signal })
  }

  #nowMs(): number {
    return timeNow() - this.#t0
  }
}

/** A fault in one line. */
export function faultInWords({ id, kind, target, from, skewMs, beganAtMs, healedAtMs }: HappenedFault): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(1)
  const particulars = [
    ...(from === undefined ? [] : [` from ${from.join(', ')}`]),
    ...(skewMs === undefined ? [] : [` by ${skewMs / 60_000} minutes`]),
  ]
  return `${seconds(beganAtMs)} s to ${seconds(healedAtMs)} s: #${id} ${kind} ${target}${particulars.join('')}`
}
