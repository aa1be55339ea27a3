import type { NetworkNode } from '../../test/helpers/netns.ts'
import { run } from '../../test/helpers/process.ts'
import { PAYLOAD_SHARE } from '../../test/simulation/scenarios/scenario.ts'
import { watchMachine } from '../conditions.ts'
import { type BenchRegistry, startRegistry } from '../pull/registry.ts'
import type { SwarmPlan } from './config.ts'
import { countedSince, readCounters } from './counters.ts'
import type { ClientReport, SwarmCounts, SwarmFigures } from './figures.ts'
import { measureLink } from './measure-link.ts'
import { createMachines, type Machines, startSwarm } from './programs.ts'
import { pullEverywhere } from './pull-everywhere.ts'

const CONGESTION_CONTROL = '/proc/sys/net/ipv4/tcp_congestion_control'

/** Pulls that take so many times as long as all nodes need straight from the registry have failed. */
const PATIENCE = 3
const MIN_TIMEOUT_MS = 120_000

interface Options {
  /** Is told what has been done. */
  readonly heard: (what: string) => void
  readonly signal: AbortSignal
}

interface PullOptions extends Options, Pick<SwarmPlan, 'record'> {
  readonly timeoutMs: number
}

/**
 * Measures a swarm of real programs on limited links, all nodes at once, and then the same nodes straight from the registry.
 * @throws Error when a program or a pull fails, or nodes got different images; the signal's reason
 */
export async function measureSwarm(plan: SwarmPlan, options: Options): Promise<SwarmFigures> {
  const startedAt = performance.now()
  const conditions = watchMachine()
  const measured = await measureAll(plan, options)
  const wallMs = performance.now() - startedAt
  return { ...plan, ...measured, wallMs, conditions: conditions() }
}

async function measureAll(plan: SwarmPlan, options: Options) {
  const { rates, nodes, record } = plan
  await using machines = await createMachines(plan)
  options.heard(`${nodes + 2} machines are connected`)
  const linkBitsPerSecond = await measureOneLink(machines, rates.node)
  const congestionControl = await readCongestionControl(machines.registry)
  options.heard(`a plain transfer between two nodes ran at ${(linkBitsPerSecond / 1e6).toFixed(2)} Mbit/s`)
  await using registry = await startRegistry(machines.registry, plan)
  const timeoutMs = MIN_TIMEOUT_MS + (PATIENCE * nodes * plan.size * 8 * 1000) / (rates.registry * PAYLOAD_SHARE)
  const { swarm, counts } = await pullThroughSwarm(machines, registry, { ...options, timeoutMs, record })
  const sources = machines.nodes.map(node => ({ node, url: registry.url }))
  const { reports: direct } = await pullEverywhere(registry, sources, { timeoutMs, signal: options.signal })
  options.heard('all nodes have pulled from the registry')
  checkSame([...swarm, ...direct])
  return { swarm, direct, counts, linkBitsPerSecond, congestionControl }
}

async function measureOneLink({ nodes: [first, second] }: Machines, rate: number): Promise<number> {
  if (first === undefined || second === undefined) throw new Error('a swarm has at least two nodes')
  return await measureLink(first, second, rate)
}

/** What its senders go by; each network namespace may have its own. */
async function readCongestionControl(node: NetworkNode): Promise<string> {
  const { stdout } = await run('cat', [CONGESTION_CONTROL], node)
  return stdout.trim()
}

async function pullThroughSwarm(
  machines: Machines,
  registry: BenchRegistry,
  { heard, signal, timeoutMs, record }: PullOptions,
): Promise<{ swarm: readonly ClientReport[]; counts: SwarmCounts }> {
  await using programs = await startSwarm(machines, { registryUrl: registry.url, record }, { signal })
  const { daemons } = programs
  heard(`a supernode and ${daemons.length} dfdaemons are running`)
  const counted = { ...programs, registry: { node: machines.registry, url: registry.url } }
  const before = await readCounters(counted)
  const sources = daemons.map(({ node, program }) => ({ node, url: program.httpUrl }))
  try {
    const { reports, cpuShare } = await pullEverywhere(registry, sources, { timeoutMs, signal })
    heard('all nodes have pulled through the swarm')
    return { swarm: reports, counts: { ...countedSince(before, await readCounters(counted)), cpuShare } }
  } catch (error) {
    if (!signal.aborted) heard(programs.log())
    throw error
  }
}

function checkSame(reports: readonly ClientReport[]): void {
  const digests = new Set(reports.map(({ manifestDigest }) => manifestDigest))
  if (digests.size !== 1) throw new Error(`nodes got different images: ${[...digests].join(', ')}`)
}
