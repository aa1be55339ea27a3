import { readdir } from 'node:fs/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { childrenOf, expectAbove0, isRunning, resultOf, startBench } from '../helpers/bench-run.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { waitFor } from '../helpers/wait.ts'

/** Many programs are started one after the other, which takes its time on a busy machine. */
const TIMEOUT_MS = 120_000
const MIB = 1024 * 1024

async function makeDirectory(): Promise<string> {
  const scratch = await createScratchDirectory()
  onTestFinished(() => scratch[Symbol.asyncDispose]())
  return scratch.path
}

vi.setConfig({ testTimeout: TIMEOUT_MS })

test('a peer fetches from another, in memory and on a disk, and the figures are printed as JSON', async () => {
  const directory = await makeDirectory()
  const figures = await resultOf(
    await startBench('transfer', '--size', '4MiB', '--rounds', '1', '--directory', directory, '--json'),
  )
  const numbers = [
    'tmpfsMiBps',
    'diskMiBps',
    'diskWriteLimitMiBps',
    'transportMiBps',
    'ratioTmpfsToTransport',
    'ratioDiskToLimit',
    'rssPeakMiB',
    'receiverCpuSecPerGiB',
    'senderCpuSecPerGiB',
    'diskReceiverCpuSecPerGiB',
    'diskSenderCpuSecPerGiB',
    'diskUnsyncedMiBps',
    'diskWriteLimitUnsyncedMiBps',
  ]
  const others = ['rounds', 'sizeBytes', 'blockSizeBytes', 'transportBytes', 'commit', 'conditions']
  expect(Object.keys(figures)).toEqual([...numbers, ...others])
  expectAbove0(figures, numbers)
  expect(figures).toMatchObject({ blockSizeBytes: MIB / 4, transportBytes: 4 * MIB })
  expect(figures.rounds).toHaveLength(1)
  expect(await readdir(directory)).toEqual([])
})

test('a layer is pulled through a dfdaemon, and the figures are printed as JSON', async () => {
  const directory = await makeDirectory()
  const figures = await resultOf(
    await startBench('last-hop', '--size', '4MiB', '--rounds', '1', '--directory', directory, '--json'),
  )
  const numbers = [
    'coldMiBps',
    'warmMiBps',
    'warmAfterRestartMiBps',
    'transportMiBps',
    'ratioColdToTransport',
    'coldCpuSecPerGiB',
    'warmCpuSecPerGiB',
  ]
  const others = ['rounds', 'sizeBytes', 'transportBytes', 'commit', 'conditions']
  expect(Object.keys(figures)).toEqual([...numbers, ...others])
  expectAbove0(figures, numbers)
  expect(figures.rounds).toHaveLength(1)
  expect(await readdir(directory)).toEqual([])
})

test('small blobs are pulled from a supernode, and the figures are printed as JSON', async () => {
  const figures = await resultOf(await startBench('small-file', '--blobs', '3', '--json'))
  const numbers = ['medianMs', 'p95Ms', 'maxMs', 'firstMs', 'directMedianMs', 'directP95Ms', 'directMaxMs']
  expect(Object.keys(figures)).toEqual([
    ...numbers,
    'blobs',
    'swarmMs',
    'directMs',
    'sizeBytes',
    'commit',
    'conditions',
  ])
  expectAbove0(figures, numbers)
  expect(figures).toMatchObject({ blobs: 3, sizeBytes: 1024 })
  expect(figures.swarmMs).toHaveLength(3)
})

test('Ctrl-C ends all programs and removes what they stored', async () => {
  const directory = await makeDirectory()
  const bench = await startBench('last-hop', '--directory', directory)
  const both = () => {
    const children = childrenOf(bench.pid).filter(({ command }) => /(registry|supernode)\.ts/.test(command))
    return children.length === 2 && children
  }
  const programs = await waitFor(both, { timeoutMs: TIMEOUT_MS, what: 'a registry and a supernode' })
  bench.signal('SIGINT')
  expect(await bench.exited).toEqual({ code: 130, signal: null })
  expect(programs.filter(({ pid }) => isRunning(pid))).toEqual([])
  expect(await readdir(directory)).toEqual([])
  expect(bench.stdout.text()).toBe('')
})

test.each([
  [['transfer', '--size', '5MiB'], 'size from the command line must be multiple of 4194304'],
  [['transfer', '--rounds', '0'], 'rounds from the command line must be >= 1'],
  [['transfer', '--size', '1048576GiB'], 'of room, and 2.0 PiB are needed; make room'],
  [['transfer', '--directory', '/proc'], 'nothing can be stored in /proc: '],
  [['last-hop', '--size', '0'], 'size from the command line must be >= 4194304'],
  [['last-hop', '--directory', '/missing'], 'nothing can be stored in /missing: ENOENT'],
  [['small-file', '--blobs', '0'], 'blobs from the command line must be >= 1'],
])('%j is refused before anything starts', async (args, message) => {
  const bench = await startBench(...args)
  expect(await bench.exited).toEqual({ code: 1, signal: null })
  expect(bench.stderr.text()).toContain(message)
})
