import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { type ChildProcess, startProcess } from '../helpers/process.ts'
import { waitFor } from '../helpers/wait.ts'

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))
const TIMEOUT_MS = 30_000
const MIB = 1024 * 1024

async function startBench(...args: string[]): Promise<ChildProcess> {
  const bench = await startProcess(process.execPath, [MAIN, ...args])
  onTestFinished(() => bench[Symbol.asyncDispose]())
  return bench
}

/** The one line on stdout of a benchmark that has come to its end. */
async function resultOf(bench: ChildProcess): Promise<Record<string, unknown>> {
  const exit = await bench.exited
  expect([exit, bench.stderr.text()]).toEqual([{ code: 0, signal: null }, expect.any(String)])
  const lines = bench.stdout.lines()
  expect(lines).toHaveLength(1)
  return JSON.parse(lines[0] ?? '')
}

function expectAbove0(figures: Record<string, unknown>, keys: readonly string[]): void {
  const wrong = keys.filter(key => !(Number(figures[key]) > 0))
  expect(wrong).toEqual([])
}

/** The processes that a process has started (proc(5)), with their command lines. */
function childrenOf(pid: number): { pid: number; command: string }[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  return pids.map(child => ({ pid: child, command: readFileSync(`/proc/${child}/cmdline`, 'utf8') }))
}

/** Waits until both ends of the first transport run. */
function endsOf(bench: ChildProcess): Promise<{ pid: number; command: string }[]> {
  const both = () => {
    const children = childrenOf(bench.pid).filter(({ command }) => /(sender|receiver)\.ts/.test(command))
    return children.length === 2 && children
  }
  return waitFor(both, { timeoutMs: TIMEOUT_MS, what: 'a sender and a receiver' })
}

/** Whether a process runs still. One that has ended and waits for somebody to ask how (a zombie) does not. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
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
