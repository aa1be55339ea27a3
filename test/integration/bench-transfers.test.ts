import { expect, test } from 'vitest'
import { childrenOf, expectAbove0, isRunning, resultOf, type StartedChild, startBench } from '../helpers/bench-run.ts'
import type { ChildProcess } from '../helpers/process.ts'
import { waitFor } from '../helpers/wait.ts'

const TIMEOUT_MS = 30_000
const MIB = 1024 * 1024

/** Waits until both ends of the first transport run. */
function endsOf(bench: ChildProcess): Promise<StartedChild[]> {
  const both = () => {
    const children = childrenOf(bench.pid).filter(({ command }) => /(sender|receiver)\.ts/.test(command))
    return children.length === 2 && children
  }
  return waitFor(both, { timeoutMs: TIMEOUT_MS, what: 'a sender and a receiver' })
}

test('bytes go over each transport, and the figures are printed as JSON', async () => {
  const figures = await resultOf(
    await startBench('transport', '--size', '4MiB', '--warm-up', '4MiB', '--rounds', '1', '--json'),
  )
  const numbers = [
    'oursMiBps',
    'stockMiBps',
    'httpsMiBps',
    'tcpMiBps',
    'ratioToStock',
    'ratioToHttps',
    'receiverCpuSecPerGiB',
    'senderCpuSecPerGiB',
  ]
  expect(Object.keys(figures)).toEqual([
    ...numbers,
    'medians',
    'rounds',
    'sizeBytes',
    'warmUpBytes',
    'commit',
    'conditions',
  ])
  expectAbove0(figures, numbers)
  expect(figures).toMatchObject({ sizeBytes: 4 * MIB, warmUpBytes: 4 * MIB, conditions: { node: process.version } })
  expect(figures.rounds).toHaveLength(1)
})

test('one process serves several, and the figures are printed as JSON', async () => {
  const figures = await resultOf(await startBench('fanout', '--peers', '2', '--size', '4MiB', '--json'))
  const numbers = [
    'peers',
    'totalMiBps',
    'slowestMiBps',
    'fastestMiBps',
    'fairness',
    'senderCpuSecPerGiB',
    'receiverCpuSecPerGiB',
    'rssPeakMiB',
  ]
  expect(Object.keys(figures)).toEqual([...numbers, 'sizeBytes', 'commit', 'conditions'])
  expectAbove0(figures, numbers)
  expect(figures).toMatchObject({ peers: 2, sizeBytes: 4 * MIB })
})

test('Ctrl-C ends both ends', async () => {
  const bench = await startBench('transport')
  const ends = await endsOf(bench)
  bench.signal('SIGINT')
  expect(await bench.exited).toEqual({ code: 130, signal: null })
  expect(ends.filter(({ pid }) => isRunning(pid))).toEqual([])
  expect(bench.stdout.text()).toBe('')
})

test('an end that dies ends the benchmark, which says which it was', async () => {
  const bench = await startBench('transport')
  const ends = await endsOf(bench)
  const sender = ends.find(({ command }) => command.includes('sender.ts'))
  process.kill(sender?.pid ?? Number.NaN, 'SIGKILL')
  expect(await bench.exited).toEqual({ code: 1, signal: null })
  expect(bench.stderr.text()).toContain('the sender of ours was ended by SIGKILL')
  expect(ends.filter(({ pid }) => isRunning(pid))).toEqual([])
  expect(bench.stdout.text()).toBe('')
})

test('both ends end with a benchmark that is killed', async () => {
  const bench = await startBench('transport')
  const ends = await endsOf(bench)
  bench.signal('SIGKILL')
  await waitFor(() => ends.every(({ pid }) => !isRunning(pid)), { timeoutMs: TIMEOUT_MS, what: 'the end of both ends' })
})

test.each([
  [['transport', '--size', '0'], 'size from the command line must be >= 4194304'],
  [['transport', '--size', '5MiB'], 'size from the command line must be multiple of 4194304'],
  [['transport', '--size', 'big'], 'size from the command line: "big" is not a number'],
  [['transport', '--warm-up', '1MiB'], 'warmUp from the command line must be >= 4194304'],
  [['transport', '--rounds', '0'], 'rounds from the command line must be >= 1'],
  [['fanout', '--peers', '0'], 'peers from the command line must be >= 1'],
  [['fanout', '--peers', '1000'], 'peers from the command line must be <= 64'],
])('%j is refused before anything starts', async (args, message) => {
  const bench = await startBench(...args)
  expect(await bench.exited).toEqual({ code: 1, signal: null })
  expect(bench.stderr.text()).toContain(message)
})
