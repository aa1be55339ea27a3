import { setTimeout as delay } from 'node:timers/promises'
import { type ChaosCluster, clientOf } from '../cluster/chaos-cluster.ts'
import { timeNow } from '../cluster/lines.ts'
import type { ChaosImage } from '../cluster/registry-words.ts'
import type { PlannedPull } from '../plan/draw-load.ts'
import type { ChaosPlan } from '../plan/plan.ts'
import type { PullReport } from './client-words.ts'

/** A pull as it went. Times of the report are milliseconds since the load began. */
export interface FinishedPull {
  readonly planned: PlannedPull
  readonly report: PullReport
}

/** The pulls of a run. */
export class LoadRun {
  readonly finished: FinishedPull[] = []
  readonly #cluster: ChaosCluster
  readonly #plan: ChaosPlan
  readonly #t0: number
  readonly #running = new Map<number, PlannedPull>()
  readonly #asked: (image: ChaosImage) => void

  /** @param asked hears of each image when it is pulled @param t0 when the load begins, in milliseconds since 1970 */
  constructor(cluster: ChaosCluster, { plan, t0, asked }: LoadInit) {
    this.#cluster = cluster
    this.#plan = plan
    this.#t0 = t0
    this.#asked = asked
    for (const node of plan.nodes) cluster.hub.on(clientOf(node), message => this.#hear(message as PullReport))
  }

  /** Pulls that have begun and not ended. */
  get running(): number {
    return this.#running.size
  }

  /** Begins each pull when it is due. */
  async run({ signal }: { signal: AbortSignal }): Promise<void> {
    for (const planned of this.#plan.load.pulls) {
      const waitMs = this.#t0 + planned.atMs - timeNow()
      if (waitMs > 0) await delay(waitMs, undefined, { signal })
      const image = this.#cluster.registry.images[planned.image]
      if (image === undefined) throw new Error(`the registry has no image ${planned.image}`)
      this.#asked(image)
      this.#running.set(planned.id, planned)
      const { id, inPieces } = planned
      this.#cluster.hub.send(clientOf(planned.node), { id, image, inPieces })
    }
  }

  #hear(report: PullReport): void {
    const planned = this.#running.get(report.id)
    if (planned === undefined) return
    this.#running.delete(report.id)
    const since = <Event extends { readonly at: number }>(event: Event) => ({ ...event, at: event.at - this.#t0 })
    this.finished.push({
      planned,
      report: {
        ...report,
        startedAt: report.startedAt - this.#t0,
        endedAt: report.endedAt - this.#t0,
        stalledAt: report.stalledAt - this.#t0,
        fallbacks: report.fallbacks.map(since),
        breaks: report.breaks.map(since),
      },
    })
  }
}

/** What a load is told. */
export interface LoadInit {
  readonly plan: ChaosPlan
  readonly t0: number
  readonly asked: (image: ChaosImage) => void
}
