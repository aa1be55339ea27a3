import type { Clock } from '../lib/clock.ts'
import type { DaemonTask } from '../protocol/messages/daemon-api.ts'
import { counterValue } from './counter-value.ts'
import { type OriginReading, PEER_ORIGIN_COUNTER } from './origin-meter.ts'
import { type SourceBytes, sumOfSources } from './progress/snapshot.ts'
import type { Tracker } from './progress/tracker.ts'
import type { Cluster, TrialNode } from './start-cluster.ts'

/** Often enough for the eye, and too seldom to slow the run. */
const POLL_MS = 250

/**
 * Asks the dfdaemons and the origin a few times a second how far they are, until disposed. What does not answer in time
 * is asked again; the pulls themselves tell whether something is wrong.
 */
export function watchCluster(
  cluster: Pick<Cluster, 'nodes' | 'meter'>,
  tracker: Tracker,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Disposable {
  const ended = new AbortController()
  const options = { signal: AbortSignal.any([signal, ended.signal]) }
  const asked = new Set<string>()

  function ask(what: string, work: () => Promise<void>): void {
    if (asked.has(what)) return
    asked.add(what)
    work()
      .catch(() => {})
      .finally(() => asked.delete(what))
  }

  const cancel = clock.every(POLL_MS, () => {
    for (const [index, { name, daemon }] of cluster.nodes.entries()) {
      ask(name, async () => tracker.node(index).downloaded(sourcesOf(await daemon.tasks(options))))
    }
    ask('origin', async () => tracker.originSent((await cluster.meter.read(options)).sentBytes))
  })
  return {
    [Symbol.dispose]() {
      cancel()
      ended.abort()
    },
  }
}

/** What is known once no pull runs any more. */
export interface FinalReadings {
  /** By node, in order. */
  readonly sources: readonly SourceBytes[]
  readonly origin: OriginReading
}

/** Asks everyone for the last time. @throws DamselflyError when one does not answer */
export async function readCluster(
  { nodes, meter }: Pick<Cluster, 'nodes' | 'meter'>,
  options: { signal: AbortSignal },
): Promise<FinalReadings> {
  const [origin, ...sources] = await Promise.all([meter.read(options), ...nodes.map(node => readNode(node, options))])
  return { origin, sources }
}

async function readNode({ daemon }: TrialNode, options: { signal: AbortSignal }): Promise<SourceBytes> {
  const [tasks, page] = await Promise.all([daemon.tasks(options), daemon.metrics(options)])
  const sources = sourcesOf(tasks)
  // The accounts leave out what was passed through from the origin without being stored.
  return { ...sources, originBytes: Math.max(sources.originBytes, counterValue(page, PEER_ORIGIN_COUNTER)) }
}

function sourcesOf(tasks: readonly DaemonTask[]): SourceBytes {
  return sumOfSources(tasks.map(task => task.account))
}
