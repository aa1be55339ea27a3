import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { assertClientRequirements } from '../../helpers/requirements.ts'
import { waitFor } from '../../helpers/wait.ts'
import { type Bench, createBench, type NodeDaemon } from '../bench.ts'
import { Matrix, type PullResult, pullWithAll } from '../matrix.ts'
import { type Supernode, startSupernode } from '../programs.ts'
import { pushGeneratedImage } from '../runtimes/generated-image.ts'
import type { PushedImage } from '../runtimes/image.ts'
import { prepareSkopeo } from '../runtimes/skopeo.ts'
import { expectPulled, type RuntimeNode, startRuntimeNodes } from './nodes.ts'
import { type FaultyOrigin, startOrigin } from './origin.ts'
import { readProgramMetric } from './program-metric.ts'
import { corruptBlocks, storedBytes } from './stored-blocks.ts'

/** One layer that takes some seconds over links of this rate, so that there is a middle to fail in. */
const IMAGE = { tag: 'v1', layers: 1, sizeBytes: 12 * 1024 * 1024 }
const LINK_BITS_PER_SECOND = 32_000_000
const PULL_TIMEOUT_MS = 60_000
const FREEZE_MS = 3_000
/** dockerd waits 15 s for an answer on `/v2/`. */
const DOCKERD_TIMEOUT_MS = 40_000
/** A closed port is noticed at once; the rest is room for the pull itself on a busy machine. */
const FALLBACK_MS = 15_000

const matrix = new Matrix('the swarm and dfdaemon')
let bench: Bench
let origin: FaultyOrigin
let supernode: Supernode
let nodes: readonly RuntimeNode[]

beforeAll(async () => {
  assertClientRequirements()
  bench = await createBench()
  origin = await startOrigin(bench)
  const supernodeNode = await bench.addNode({ rateBitsPerSecond: LINK_BITS_PER_SECOND })
  supernode = bench.use(await startSupernode(supernodeNode, await bench.directory('supernode')))
  nodes = await startRuntimeNodes(bench, { origin, supernode })
})

afterAll(async () => {
  process.stdout.write(matrix.toString())
  for (const program of [supernode, ...nodes.map(node => node.dfdaemon)]) program?.signal('SIGCONT')
  await bench?.[Symbol.asyncDispose]()
})

async function newImage(name: string): Promise<{ image: PushedImage; reference: string }> {
  const repository = `library/${name.replaceAll(/[^a-z0-9]+/g, '-')}`
  const image = await pushGeneratedImage(bench, { ...IMAGE, repository, seed: name })
  return { image, reference: `docker.io/${repository}:v1` }
}

/** Pulls with all runtimes, while `meanwhile` does its damage. */
async function pullAll(name: string, reference: string, meanwhile?: () => Promise<void>): Promise<PullResult[]> {
  const runtimes = nodes.map(node => node.runtime)
  const [results] = await Promise.all([pullWithAll(runtimes, reference, { timeoutMs: PULL_TIMEOUT_MS }), meanwhile?.()])
  matrix.add(name, results)
  onTestFailed(() => void process.stderr.write(bench.log()))
  return results
}

/** Waits until some node holds a part of the layer and none holds all of it. */
async function untilMidLayer(before: readonly number[]): Promise<void> {
  const grown = await waitFor(
    async () => {
      const most = Math.max(...(await allStored()).map((bytes, index) => bytes - (before[index] ?? 0)))
      return most > 1024 * 1024 && most
    },
    { timeoutMs: 30_000, what: 'a part of the layer' },
  )
  expect(grown).toBeLessThan(IMAGE.sizeBytes / 2)
}

function allStored(): Promise<number[]> {
  return Promise.all(nodes.map(node => storedBytes(node.dfdaemon)))
}

/** A node beside those of the runtimes, on a slow link too, that holds all of an image. */
async function startSeedingNode(reference: string): Promise<NodeDaemon> {
  const node = await bench.addNode({ rateBitsPerSecond: LINK_BITS_PER_SECOND })
  const init = { supernode, registryUrl: origin.url }
  const daemon = await bench.startDfdaemon(init, node)
  const runtime = await bench.startRuntime(prepareSkopeo, daemon, { registryUrl: origin.url })
  await runtime.pull(reference)
  return daemon
}

test('a peer sends wrong bytes', async ({ task }) => {
  const { image, reference } = await newImage('corrupting-peer')
  const { dfdaemon } = await startSeedingNode(reference)
  await corruptBlocks(dfdaemon)
  expectPulled(await pullAll(task.name, reference), image)
  const reports = 'damselfly_supernode_peer_reports_total{kind="corrupt"}'
  expect(await readProgramMetric(supernode, reports)).toBeGreaterThan(0)
  dfdaemon.signal('SIGKILL')
})

test('a seeding peer is killed mid-layer', async ({ task }) => {
  const { image, reference } = await newImage('killed-peer')
  const { dfdaemon } = await startSeedingNode(reference)
  const uploaded = () => readProgramMetric(dfdaemon, 'damselfly_peer_uploaded_bytes_total')
  const before = await allStored()
  const results = await pullAll(task.name, reference, async () => {
    await waitFor(uploaded, { timeoutMs: 30_000, what: 'a block from the seeding peer' })
    await untilMidLayer(before)
    dfdaemon.signal('SIGKILL')
  })
  expectPulled(results, image)
})

test.each([
  ['the supernode is frozen mid-layer', 'SIGSTOP'],
  ['the supernode is killed mid-layer', 'SIGKILL'],
] as const)('%s', async (name, signal) => {
  const { image, reference } = await newImage(name)
  const before = await allStored()
  const results = await pullAll(name, reference, async () => {
    await untilMidLayer(before)
    supernode.signal(signal)
  })
  supernode.signal('SIGCONT')
  expectPulled(results, image)
})

test("the supernode's port is closed", async ({ task }) => {
  const { image, reference } = await newImage('no-supernode')
  expectPulled(await pullAll(task.name, reference), image)
})

test('dfdaemon is frozen for a while', async ({ task }) => {
  const { image, reference } = await newImage('frozen-for-a-while')
  const signal = (what: NodeJS.Signals) => nodes.forEach(node => void node.dfdaemon.signal(what))
  signal('SIGSTOP')
  const results = await pullAll(task.name, reference, async () => {
    await delay(FREEZE_MS)
    signal('SIGCONT')
  })
  expectPulled(results, image)
})

// Of these clients only dockerd gives up on a mirror that takes connections and says nothing; the others wait for a supervisor.
test('dfdaemon is frozen until dockerd gives up, then killed', async ({ task }) => {
  const { image, reference } = await newImage('frozen')
  const signal = (what: NodeJS.Signals) => nodes.forEach(node => void node.dfdaemon.signal(what))
  const others = nodes.filter(({ runtime }) => runtime.name !== 'dockerd').map(node => node.runtime)
  const dockerd = nodes.filter(({ runtime }) => runtime.name === 'dockerd').map(node => node.runtime)
  signal('SIGSTOP')
  const patient = pullWithAll(others, reference, { timeoutMs: PULL_TIMEOUT_MS })
  const impatient = await pullWithAll(dockerd, reference, { timeoutMs: DOCKERD_TIMEOUT_MS })
  signal('SIGKILL')
  const results = [...(await patient), ...impatient]
  matrix.add(task.name, results)
  expectPulled(results, image)
})

test('dfdaemon is not running', async ({ task }) => {
  const { image, reference } = await newImage('stopped')
  for (const { dfdaemon } of nodes) await dfdaemon[Symbol.asyncDispose]()
  const results = await pullAll(task.name, reference)
  expectPulled(results, image)
  expect(Math.max(...results.map(result => result.durationMs))).toBeLessThan(FALLBACK_MS)
})
