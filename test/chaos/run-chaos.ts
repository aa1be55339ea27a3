import { setTimeout as delay } from 'node:timers/promises'
import { waitFor } from '../helpers/wait.ts'
import { type ChaosCluster, type ChaosClusterInit, startCluster } from './cluster/chaos-cluster.ts'
import { timeNow } from './cluster/lines.ts'
import { BAD_PEERS } from './cluster/machines.ts'
import { registryUrl } from './cluster/programs.ts'
import type { Crash } from './cluster/unit.ts'
import { FaultRun } from './faults/run-faults.ts'
import { type Holding, leaksOf } from './invariants/leaks.ts'
import { measureHoldings } from './invariants/measure-holdings.ts'
import type { OriginRead } from './invariants/origin-bytes.ts'
import { originReads } from './invariants/origin-reads.ts'
import { type FinishedPull, LoadRun } from './load/run-load.ts'
import type { Intrusion } from './peers/stranger-words.ts'
import type { HappenedFault } from './plan/fault.ts'
import type { ChaosPlan } from './plan/plan.ts'

/** After the last pull has begun, all of them end within this, or never. */
const DRAIN_MS = 120_000

/** Within this programs let go of what they do not need any more. */
const RETURN_MS = 60_000
const RETURN_PAUSE_MS = 5_000

/** Measuring takes a moment of a busy machine; so long before the pause ends it begins. */
const QUIET_MS = 6_000

/** What happened in a run. Times are milliseconds since the load began. */
export interface ChaosRecord {
  readonly plan: ChaosPlan
  readonly pulls: readonly FinishedPull[]
  /** Pulls that had not ended when the run was given up. */
  readonly unfinished: number
  readonly faults: readonly HappenedFault[]
  readonly reads: readonly OriginRead[]
  /** What the programs held, in the order of time. */
  readonly holdings: readonly (readonly Holding[])[]
  readonly crashes: readonly Crash[]
  /** What a stranger got. */
  readonly intrusions: readonly Intrusion[]
}

/** Says what has been done. */
export interface RunOptions {
  readonly heard: (what: string) => void
  readonly signal: AbortSignal
}

/** Runs a plan on a real cluster. @throws Error when the cluster cannot be started, or a fault not done; the signal's reason */
export async function runChaos(
  plan: ChaosPlan,
  init: Pick<ChaosClusterInit, 'built' | 'fakeTime' | 'logDirectory'>,
  { heard, signal }: RunOptions,
): Promise<ChaosRecord> {
  const lastWanted = new Map(plan.load.pulls.map(({ image, atMs }) => [image, atMs]))
  let t0 = Number.POSITIVE_INFINITY
  const isWanted = (image: number) => (lastWanted.get(image) ?? 0) > timeNow() - t0 - DRAIN_MS
  await using cluster = await startCluster({ ...init, plan, isWanted }, { signal })
  heard(`a registry, a supernode and ${plan.nodes.length} dfdaemons are running; ${plan.load.pulls.length} pulls to go`)

  t0 = timeNow()
  const load = new LoadRun(cluster, { plan, t0, asked: image => tellBadPeers(cluster, image) })
  const faults = new FaultRun(cluster, { t0, heard })
  const ending = new AbortController()
  const any = { signal: AbortSignal.any([signal, ending.signal]) }
  try {
    const [, , holdings] = await Promise.all([
      load.run(any),
      faults.run(plan.faults, any),
      measureInPauses(cluster, plan, { t0, load, heard, ...any }),
    ])
    const requests = await cluster.registry.requests()
    return {
      plan,
      pulls: load.finished,
      unfinished: load.running,
      faults: faults.happened,
      reads: originReads(requests, {
        machines: cluster.machines,
        names: ['supernode', ...plan.nodes, ...BAD_PEERS],
        t0,
      }),
      holdings,
      crashes: [...cluster.crashes],
      intrusions: cluster.intrusions.map(({ at, what }) => ({ at: at - t0, what })),
    }
  } finally {
    ending.abort(new Error('the run has ended'))
  }
}

/** Measures when all is quiet, as the plan says. */
async function measureInPauses(
  cluster: ChaosCluster,
  plan: ChaosPlan,
  { t0, load, heard, signal }: RunOptions & { readonly t0: number; readonly load: LoadRun },
): Promise<Holding[][]> {
  const measured: Holding[][] = []
  for (const atMs of plan.phases.measuredAtMs) {
    const waitMs = t0 + atMs - QUIET_MS - timeNow()
    if (waitMs > 0) await delay(waitMs, undefined, { signal })
    const isLast = measured.length === plan.phases.measuredAtMs.length - 1
    if (isLast) await drain(load, signal)
    measured.push(await measureHoldings(cluster))
    if (isLast) await untilReturned(cluster, measured, signal)
    heard(`${Math.round((timeNow() - t0) / 1000)} s: ${load.finished.length} pulls have ended, ${load.running} run`)
  }
  return measured
}

/** Measures again while more is held than may be: what nobody asks for is closed after half a minute. */
async function untilReturned(cluster: ChaosCluster, measured: Holding[][], signal: AbortSignal): Promise<void> {
  const endsAt = performance.now() + RETURN_MS
  while (leaksOf(measured).length > 0 && performance.now() < endsAt) {
    await delay(RETURN_PAUSE_MS, undefined, { signal })
    measured.splice(-1, 1, await measureHoldings(cluster))
  }
}

/** Waits for the last pulls; those that never end are counted by the report. */
async function drain(load: LoadRun, signal: AbortSignal): Promise<void> {
  await waitFor(() => load.running === 0, { timeoutMs: DRAIN_MS, intervalMs: 100, signal }).catch(error => {
    signal.throwIfAborted()
    if (load.running === 0) throw error
  })
}

function tellBadPeers({ hub, machines }: ChaosCluster, image: { readonly repository: string }): void {
  const url = registryUrl({ registry: machines.named('registry').node })
  for (const name of BAD_PEERS) hub.send(name, { registryUrl: url, ...image })
}
