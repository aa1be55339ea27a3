import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { generateImage } from '../../registry-mock/image/generated-image.ts'
import { MemoryContentStore } from '../../registry-mock/memory-content-store.ts'
import { Repositories } from '../../registry-mock/repositories.ts'
import { type ChildProcess, run, startProcess } from '../helpers/process.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))
const MIB = 1024 * 1024
const TIMEOUT_MS = 120_000

beforeAll(assertClientRequirements)

function startBench(...args: string[]): Promise<ChildProcess> {
  return startProcess(process.execPath, [MAIN, 'swarm', '--rate', '100mbit', ...args])
}

async function namespacesOf(pid: number): Promise<string[]> {
  const { stdout } = await run('ip', ['netns', 'list'])
  return stdout.split('\n').filter(line => line.startsWith(`dmsl-${pid}-`))
}

/** What every registry-mock generates of this size unless it is told a name or a seed. */
async function generatedDigest(sizeBytes: number): Promise<string> {
  const registry = { repositories: new Repositories(), content: new MemoryContentStore() }
  const init = { repository: 'library/demo', tag: 'v1', layers: 1, sizeBytes, seed: 'damselfly' }
  return (await generateImage(registry, init)).digest
}

test('a swarm on limited links pulls an image, and its figures are printed as JSON', async () => {
  await using bench = await startBench('--nodes', '3', '--size', '8MiB', '--json')
  const line = await bench.waitForLine('stdout', text => text.startsWith('{'), { timeoutMs: TIMEOUT_MS })
  expect(await bench.exited).toEqual({ code: 0, signal: null })
  expect(await namespacesOf(bench.pid)).toEqual([])

  const figures = JSON.parse(line) as Figures
  expect(figures).toMatchObject({
    scenario: 'swarm-real',
    seed: null,
    peers: 3,
    boundBy: 'slowest-link',
    crossZoneRatio: 0,
    manifestDigest: await generatedDigest(8 * MIB),
    payloadMbps: 95.64,
    // Of the test network, whatever the machine has.
    congestionControl: 'reno',
  })
  for (const key of NUMBERS) expect([key, figures[key]]).toEqual([key, expect.any(Number)])
  // Time does not count here, but that nobody was served by nobody.
  for (const key of ['p50Ratio', 'maxRatio', 'directRatio', 'controlMessagesPerPeer', 'linkMbps']) {
    expect([key, figures[key]]).not.toEqual([key, 0])
  }
  for (const { peerBytes, supernodeBytes, originBytes } of figures.nodes) {
    expect(peerBytes + supernodeBytes + originBytes).toBe(figures.imageBytes)
  }
})

test('Ctrl-C ends the programs and removes the network', async () => {
  await using bench = await startBench('--nodes', '2', '--size', '64MiB')
  const options = { timeoutMs: TIMEOUT_MS }
  await bench.waitForLine('stderr', line => line.includes('dfdaemons are running'), options)
  expect(await namespacesOf(bench.pid)).not.toEqual([])
  bench.signal('SIGINT')
  expect(await bench.exited).toEqual({ code: 130, signal: null })
  expect(await namespacesOf(bench.pid)).toEqual([])
  expect(bench.stdout.text()).toBe('')
})

interface NodeFigures {
  readonly peerBytes: number
  readonly supernodeBytes: number
  readonly originBytes: number
}

interface Figures {
  readonly imageBytes: number
  readonly nodes: readonly NodeFigures[]
  readonly [key: string]: unknown
}

/** Those that the simulator prints as well, then those of the benchmark alone. */
const NUMBERS = [
  'boundMs',
  'p50Ratio',
  'p99Ratio',
  'p999Ratio',
  'maxRatio',
  'originRatio',
  'supernodeEgressRatio',
  'duplicateBlockRatio',
  'controlMessagesPerPeer',
  'schedulerCpuMsPerPeer',
  'wallMs',
  'directRatio',
  'directMs',
  'swarmMs',
  'linkMbps',
  'cpuShare',
]
