import { readdir } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { resultOf, startBench } from '../helpers/bench-run.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

async function measure(...args: string[]): Promise<Record<string, unknown>> {
  const scratch = await createScratchDirectory()
  onTestFinished(() => scratch[Symbol.asyncDispose]())
  const figures = await resultOf(
    await startBench('dfget', '--directory', scratch.path, '--rounds', '1', '--json', ...args),
  )
  expect(await readdir(scratch.path)).toEqual([])
  return figures
}

test('starts are measured', async () => {
  const { start, single } = await measure('--part', 'start', '--starts', '2')
  expect(start).toMatchObject({ alone: { all: [expect.any(Number), expect.any(Number)] }, withDaemon: null })
  expect(single).toBeNull()
})

test('small files come once from the origin for two nodes', async () => {
  const { small } = await measure('--part', 'small', '--files', '20')
  expect(small).toMatchObject({
    files: 20,
    wget: { originRequests: 22 },
    // The listing, and each file by HEAD and GET.
    first: { originRequests: 41 },
    // The listing alone.
    second: { originRequests: 1 },
  })
})

test.each([
  [['--part', 'none'], 'part from the command line must be one of all, single, eight, start, small'],
  [['--files', '0'], 'files from the command line must be >= 1'],
])('%j is refused before anything starts', async (args, message) => {
  const bench = await startBench('dfget', ...args)
  expect(await bench.exited).toEqual({ code: 1, signal: null })
  expect(bench.stderr.text()).toContain(message)
})
