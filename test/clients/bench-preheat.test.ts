import { beforeAll, expect, test } from 'vitest'
import { expectAbove0, resultOf, startBench } from '../helpers/bench-run.ts'
import { run } from '../helpers/process.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'

const TIMEOUT_MS = 120_000
/** The preheat takes some seconds, so that a pull fits into it on a busy machine. */
const SMALL = ['--nodes', '3', '--rate', '20mbit', '--size', '16MiB', '--pull-size', '1MiB', '--rounds', '1']

beforeAll(assertClientRequirements)

async function namespacesOf(pid: number): Promise<string[]> {
  const { stdout } = await run('ip', ['netns', 'list'])
  return stdout.split('\n').filter(line => line.startsWith(`dmsl-${pid}-`))
}

test('an image is preheated, something is pulled after it and meanwhile, and the figures are printed as JSON', async () => {
  const bench = await startBench('preheat', ...SMALL, '--json')
  const figures = await resultOf(bench)
  const preheats = ['ratioPreheatToBound', 'ratioFirstPreheatToBound']
  const ratios = [...preheats, 'ratioOriginToImage', 'ratioPullsToRegistry', 'ratioDuringToAlone']
  const times = ['preheatMs', 'boundMs']
  const pulls = ['pullsMs', 'directMs', 'aloneMiBps', 'duringMiBps']
  const cpu = ['pulledOriginBytes', 'cpuShare', 'cpuBound']
  const sizes = ['rounds', 'nodes', 'layers', 'imageBytes', 'pulledBytes', 'bitsPerSecond', 'linkMbps']
  const keys = [...ratios, ...times, 'boundBy', ...pulls, ...cpu, ...sizes, 'commit', 'conditions']
  expect(Object.keys(figures)).toEqual(keys)
  expectAbove0(figures, [...ratios, ...times, ...pulls, 'imageBytes', 'pulledBytes'])
  // Time does not count here, but that the registry gave one copy.
  expect(figures).toMatchObject({ ratioOriginToImage: 1, pulledOriginBytes: 0, nodes: 3, layers: 12 })
  expect(figures.rounds).toHaveLength(1)
  expect(await namespacesOf(bench.pid)).toEqual([])
})

test('Ctrl-C ends the programs and removes the network', async () => {
  const bench = await startBench('preheat', ...SMALL)
  await bench.waitForLine('stderr', line => line.includes('machines are connected'), { timeoutMs: TIMEOUT_MS })
  expect(await namespacesOf(bench.pid)).not.toEqual([])
  bench.signal('SIGINT')
  expect(await bench.exited).toEqual({ code: 130, signal: null })
  expect(await namespacesOf(bench.pid)).toEqual([])
  expect(bench.stdout.text()).toBe('')
})
