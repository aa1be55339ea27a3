import { PAYLOAD_SHARE } from '../../test/simulation/scenarios/scenario.ts'
import { watchMachine } from '../conditions.ts'
import { readCommit } from '../measure/commit.ts'
import { measureRounds } from '../measure/measure-rounds.ts'
import { touchMemory } from '../measure/touch-memory.ts'
import { watchCpu } from '../swarm/cpu-time.ts'
import { elapsedMs } from '../swarm/figures.ts'
import { measureLink } from '../swarm/measure-link.ts'
import { type Machines, type Swarm, startSwarm } from '../swarm/programs.ts'
import { type PullSource, type Pulls, pullEverywhere } from '../swarm/pull-everywhere.ts'
import { type BenchImage, createPreheatBench, type PreheatBench, sentBytes } from './bench.ts'
import type { PreheatPlan } from './config.ts'
import type { InSwarm, PreheatFigures, Round } from './figures.ts'
import { type BenchJob, startJob, untilLinked, untilUnderWay } from './jobs.ts'

/** What takes so many times as long as all nodes need straight from the registry has failed. */
const PATIENCE = 3
const MIN_TIMEOUT_MS = 120_000

/** What a client takes while it pulls, with what is on its way to it. */
const CLIENT_BYTES = 200 * 1024 * 1024

interface Options {
  /** Is told what has been done. */
  readonly heard: (what: string) => void
  readonly signal: AbortSignal
}

interface MeasureOptions extends Options {
  readonly timeoutMs: number
}

/**
 * Measures, in rounds: in a swarm that has just been started two preheats, one after the other, the pulls of all nodes of what the
 * second was about, and pulls of something else by one node, alone and during a third preheat; the pulls of all nodes from a docker-registry.
 * @throws Error when a program, a job or a pull fails, a node got another image, or a preheat was over too early; the signal's reason
 */
export async function measurePreheats(plan: PreheatPlan, options: Options): Promise<PreheatFigures> {
  const commit = readCommit()
  const conditions = watchMachine()
  const measured = await measureAll(plan, options)
  return { ...plan, ...measured, commit, conditions: conditions() }
}

async function measureAll(plan: PreheatPlan, { heard, signal }: Options) {
  await using bench = await createPreheatBench(plan)
  const { machines, images, pulled } = bench
  const linkBitsPerSecond = await measureOneLink(machines, plan.rates.node)
  heard(`${plan.nodes + 2} machines are connected, and a docker-registry has the images`)
  const allMs = (plan.nodes * plan.size * 8 * 1000) / (plan.rates.registry * PAYLOAD_SHARE)
  const options = { heard, signal, timeoutMs: MIN_TIMEOUT_MS + PATIENCE * allMs }
  const measure = { swarm: () => measureSwarm(bench, options), directMs: () => pullDirectly(bench, options) }
  const measured = await measureRounds<Round>(measure, {
    rounds: plan.rounds,
    heard: done => heard(`round ${done} of ${plan.rounds} done`),
  })
  const [imageBytes, pulledBytes] = [images.second.imageBytes, pulled.alone.imageBytes]
  return { measured, imageBytes, pulledBytes, linkBitsPerSecond }
}

async function measureOneLink({ nodes: [first, second] }: Machines, rate: number): Promise<number> {
  if (first === undefined || second === undefined) throw new Error('a swarm has at least two nodes')
  return await measureLink(first, second, rate)
}

async function measureSwarm(bench: PreheatBench, options: MeasureOptions): Promise<InSwarm> {
  const { machines, registry, supernodeConfigFile } = bench
  const { heard, signal } = options
  const init = { registryUrl: registry.url, record: undefined, supernodeFlags: ['--config', supernodeConfigFile] }
  await using swarm = await startSwarm(machines, init, options)
  try {
    await untilLinked(swarm, options)
    const preheated = await preheatAndPull(bench, swarm, options)
    const aloneMs = await pullAlone(bench, swarm, options)
    return { ...preheated, aloneMs, duringMs: await pullDuring(bench, swarm, options) }
  } catch (error) {
    if (!signal.aborted) heard(swarm.log())
    throw error
  }
}

async function preheatAndPull(bench: PreheatBench, swarm: Swarm, options: MeasureOptions) {
  const { first, second } = bench.images
  // Programs compile themselves meanwhile, on processors that they share with all other nodes.
  const firstPreheatMs = await preheat(swarm, first, options)
  const before = await sentBytes(bench)
  const cpuShare = watchCpu()
  const preheated = { firstPreheatMs, preheatMs: await preheat(swarm, second, options), cpuShare: cpuShare() }
  const after = await sentBytes(bench)
  const pulls = await pullAtAll(second, sourcesOf(swarm), options)
  const pulledOriginBytes = (await sentBytes(bench)) - after
  return { ...preheated, originBytes: after - before, pullsMs: lastMs(pulls, second), pulledOriginBytes }
}

/** Preheats all nodes. @returns milliseconds from the request to the end of the job. @throws Error when a node does not have it then */
async function preheat(swarm: Swarm, image: BenchImage, options: MeasureOptions): Promise<number> {
  const { createdAt, endedAt, nodes } = await (await startJob(swarm, image, 'all', options)).ended()
  if (nodes.done !== swarm.daemons.length) throw new Error(`${nodes.done} of ${swarm.daemons.length} nodes have it`)
  return (endedAt ?? Number.NaN) - createdAt
}

/** Whoever pulls first after a preheat would measure how the host gives memory back that was free meanwhile. */
async function pullAtAll(image: BenchImage, sources: readonly PullSource[], options: MeasureOptions): Promise<Pulls> {
  await touchMemory(sources.length * CLIENT_BYTES, options)
  return await pullEverywhere(image, sources, options)
}

/** All clients are on the machine of the registry, so that no link limits them. */
async function pullDirectly({ machines, registry, images }: PreheatBench, options: MeasureOptions): Promise<number> {
  const sources = machines.nodes.map(() => ({ node: machines.registry, url: registry.url }))
  return lastMs(await pullAtAll(images.second, sources, options), images.second)
}

async function pullAlone({ pulled }: PreheatBench, swarm: Swarm, options: MeasureOptions): Promise<number> {
  await (await startJob(swarm, pulled.alone, 'supernode', options)).ended()
  return lastMs(await pullEverywhere(pulled.alone, sourcesOf(swarm).slice(0, 1), options), pulled.alone)
}

async function pullDuring({ images, pulled }: PreheatBench, swarm: Swarm, options: MeasureOptions): Promise<number> {
  await (await startJob(swarm, pulled.during, 'supernode', options)).ended()
  const preheating = Promise.withResolvers<BenchJob>()
  const whenReady = async () => {
    const job = await startJob(swarm, images.third, 'all', options)
    await untilUnderWay(job, options)
    preheating.resolve(job)
  }
  const pulls = await pullEverywhere(pulled.during, sourcesOf(swarm).slice(0, 1), { ...options, whenReady })
  const { endedAt, state } = await (await preheating.promise).show()
  if (endedAt !== null) throw new Error(`the preheat ended (${state}) before the pull did; give it a larger --size`)
  return lastMs(pulls, pulled.during)
}

function sourcesOf({ daemons }: Swarm): PullSource[] {
  return daemons.map(({ node, program }) => ({ node, url: program.httpUrl }))
}

/** @returns milliseconds from the first start to the last end. @throws Error when anybody got something else */
function lastMs({ reports }: Pulls, { manifestDigest }: BenchImage): number {
  const wrong = reports.find(report => report.manifestDigest !== manifestDigest)
  if (wrong !== undefined) throw new Error(`a client got ${wrong.manifestDigest} in place of ${manifestDigest}`)
  return Math.max(...elapsedMs(reports))
}
