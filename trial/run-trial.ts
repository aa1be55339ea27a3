import { once } from 'node:events'
import { systemClock } from '../lib/clock.ts'
import type { TrialConfig } from './config.ts'
import { Interrupted } from './interrupt.ts'
import type { Output } from './output.ts'
import { createPrograms, type Programs } from './programs.ts'
import { showProgress } from './progress/display.ts'
import { drawReport } from './progress/report.ts'
import { span } from './progress/text.ts'
import { createTracker } from './progress/tracker.ts'
import { pullAt } from './pull-at-node.ts'
import { type Cluster, startCluster } from './start-cluster.ts'
import { summarise, summaryJson, type TrialOutcome } from './summary.ts'
import { describeCluster } from './try-it.ts'
import { readCluster, watchCluster } from './watch-cluster.ts'
import { createWorkDirectory } from './work-directory.ts'

/**
 * Starts everything, pulls at every node at once, reports, and ends everything.
 * @returns whether every node has the whole image, verified
 * @throws DamselflyError PROGRAM_FAILED when a program ends early; Interrupted
 */
export async function runTrial(
  config: TrialConfig,
  output: Output,
  options: { signal: AbortSignal },
): Promise<boolean> {
  await using directory = await createWorkDirectory()
  await using programs = createPrograms()
  const running = { signal: AbortSignal.any([options.signal, programs.failed]) }

  const cluster = await start(config, programs, directory.path, output, running)
  const outcome = await pullEverywhere(cluster, output, running)
  const summary = summarise(outcome)
  output.lines([[], ...drawReport(summary)])
  if (config.json) output.result(summaryJson(summary))
  if (config.keep) {
    output.lines([[], ...describeCluster(cluster, summary)])
    await untilInterrupted(running.signal)
  }
  return summary.verified
}

async function start(
  config: TrialConfig,
  programs: Programs,
  directory: string,
  output: Output,
  options: { signal: AbortSignal },
): Promise<Cluster> {
  const started = (part: string, detail: string) => output.lines([[span(`  ${part.padEnd(13)}`), span(detail, 'dim')]])
  output.lines([[span('Starting', 'bold')]])
  return startCluster({ programs, directory, started }, config, options)
}

async function pullEverywhere(
  cluster: Cluster,
  output: Output,
  options: { signal: AbortSignal },
): Promise<TrialOutcome> {
  const clock = systemClock
  const names = cluster.nodes.map(node => node.name)
  const who = names.length === 1 ? '1 node pulls' : `${names.length} nodes at once pull`
  output.lines([[], [span(`${who} ${cluster.image}`, 'bold')]])

  const tracker = createTracker(clock, names)
  using display = showProgress(tracker, { output, clock })
  using _watch = watchCluster(cluster, tracker, { clock, ...options })
  const nodes = await Promise.all(
    cluster.nodes.map((node, index) => pullAt(cluster, node, tracker.node(index), options)),
  )
  const readings = await readCluster(cluster, options)
  for (const [index, sources] of readings.sources.entries()) tracker.node(index).downloaded(sources)
  tracker.originSent(readings.origin.sentBytes)
  display.finish()
  const makespanMs = Math.max(...nodes.map(({ elapsedMs }) => elapsedMs))
  return { manifestDigest: cluster.manifestDigest, nodes, readings, countedBy: cluster.meter.countedBy, makespanMs }
}

/** @throws the signal's reason, unless it is that of a person who has seen enough */
async function untilInterrupted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
  if (!(signal.reason instanceof Interrupted)) throw signal.reason
}
