import { readdirSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { type ChildProcess, startProcess } from '../helpers/process.ts'
import { startRegistryMock } from '../helpers/registry-mock.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

const MAIN = fileURLToPath(new URL('../../trial/main.ts', import.meta.url))
const TIMEOUT_MS = 120_000

test(
  'three nodes pull a generated image, the registry sends it once, and nothing is left behind',
  async () => {
    const trial = await startTrial('--nodes', '3', '--size', '8MiB', '--layers', '4', '--json')
    expect(await trial.process.exited).toEqual({ code: 0, signal: null })

    const lines = trial.process.stdout.lines()
    expect(lines).toHaveLength(1)
    const result = JSON.parse(lines[0] ?? '')
    expect(Object.keys(result)).toEqual([
      'nodes',
      'imageBytes',
      'originBytes',
      'originRatio',
      'p2pRatio',
      'makespanMs',
      'verified',
    ])
    expect(result).toMatchObject({ nodes: 3, verified: true })
    expect(result.imageBytes).toBeGreaterThan(7.9 * 1024 * 1024)
    expect(result.originRatio).toBeGreaterThanOrEqual(1)
    expect(result.originRatio).toBeLessThanOrEqual(1.01)
    expect(result.p2pRatio).toBeGreaterThan(0)
    expect(result.makespanMs).toBeGreaterThan(0)
    expect(trial.process.stderr.text()).toContain('the registry gave 1.00 copies')
    await trial.expectNothingLeft()
  },
  TIMEOUT_MS,
)

test(
  'an image of another registry is pulled, and the readers count what they read',
  async () => {
    const registry = await startRegistryMock()
    const image = await registry.generateImage({
      repository: 'library/other',
      tag: 'v2',
      layers: 3,
      sizeBytes: 2 << 20,
    })
    const reference = `${new URL(registry.url).host}/library/other:v2`
    const trial = await startTrial('--nodes', '2', '--image', reference)
    expect(await trial.process.exited).toEqual({ code: 0, signal: null })
    const output = trial.process.stdout.text()
    expect(output).toContain(
      `Bytes from the registry: ${image.imageBytes}, by the counters of the supernode and the dfdaemons.`,
    )
    expect(output).not.toContain('\u001b')
    await trial.expectNothingLeft()
  },
  TIMEOUT_MS,
)

test(
  'an image that the registry does not have ends with exit code 1 and the reason',
  async () => {
    const registry = await startRegistryMock()
    const trial = await startTrial('--nodes', '1', '--image', `${new URL(registry.url).host}/library/none:v1`, '--json')
    expect(await trial.process.exited).toEqual({ code: 1, signal: null })
    expect(JSON.parse(trial.process.stdout.lines().at(-1) ?? '')).toMatchObject({ imageBytes: 0, verified: false })
    expect(trial.process.stderr.text()).toContain('node 1: manifest unknown to registry')
    await trial.expectNothingLeft()
  },
  TIMEOUT_MS,
)

test(
  'a program that dies ends the trial with exit code 1 and its name',
  async () => {
    const trial = await startTrial('--nodes', '1', '--size', '1MiB', '--keep')
    await trial.process.waitForLine('stdout', line => line.includes('Ctrl-C ends it'), { timeoutMs: TIMEOUT_MS })
    const supernode = trial.children().find(({ command }) => command.includes('supernode/main'))
    process.kill(supernode?.pid ?? Number.NaN, 'SIGKILL')
    expect(await trial.process.exited).toEqual({ code: 1, signal: null })
    expect(trial.process.stderr.text()).toContain('supernode was ended by SIGKILL')
    await trial.expectNothingLeft()
  },
  TIMEOUT_MS,
)

test(
  'what was kept running answers, and ends at Ctrl-C',
  async () => {
    const trial = await startTrial('--nodes', '1', '--size', '1MiB', '--layers', '2', '--keep')
    const line = await trial.process.waitForLine('stdout', text => text.includes('podman pull'), {
      timeoutMs: TIMEOUT_MS,
    })
    const [, host] = / (127\.0\.0\.1:\d+)\/library\/demo:v1$/.exec(line) ?? []
    expect((await fetch(`http://${host}/v2/library/demo/manifests/v1`)).status).toBe(200)
    trial.process.signal('SIGINT')
    expect(await trial.process.exited).toEqual({ code: 0, signal: null })
    await trial.expectNothingLeft()
  },
  TIMEOUT_MS,
)

test(
  'a signal while pulls run ends everything',
  async () => {
    const trial = await startTrial('--nodes', '2', '--size', '64MiB')
    await trial.process.waitForLine('stdout', line => line.includes('at once pull'), { timeoutMs: TIMEOUT_MS })
    trial.process.signal('SIGTERM')
    expect(await trial.process.exited).toEqual({ code: 143, signal: null })
    await trial.expectNothingLeft()
  },
  TIMEOUT_MS,
)

test.each([
  [['--nodes', '0'], 'nodes from the command line must be >= 1'],
  [['--size', 'abc'], 'size from the command line: "abc" is not a number'],
  [['--size', '64KiB', '--layers', '9'], 'an image of 9 layers has a size of at least 72KiB'],
  [['--image', 'alpine'], 'image "alpine" is not of the form host/repository:tag'],
  [['--colour'], "unknown option '--colour'"],
])('%j is refused before anything starts', async (args, message) => {
  const trial = await startTrial(...args)
  expect(await trial.process.exited).toEqual({ code: 1, signal: null })
  expect(trial.process.stderr.text()).toContain(message)
  expect(trial.process.stdout.text()).toBe('')
})

/** Runs the trial with a temporary directory of its own, for the running test. */
async function startTrial(...args: string[]) {
  const stack = new AsyncDisposableStack()
  onTestFinished(() => stack.disposeAsync())
  const directory = stack.use(await createScratchDirectory())
  const env = { ...process.env, TMPDIR: directory.path }
  const trial = stack.use(await startProcess(process.execPath, [MAIN, ...args], { env }))
  return {
    process: trial as ChildProcess,
    children: () => processesUnder(directory.path),
    async expectNothingLeft() {
      expect(processesUnder(directory.path)).toEqual([])
      expect(await readdir(directory.path)).toEqual([])
    },
  }
}

/** Processes whose environment has our temporary directory: whatever a trial starts inherits it. */
function processesUnder(directory: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        const environment = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0')
        if (!environment.includes(`TMPDIR=${directory}`)) return []
        return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8') }]
      } catch {
        return [] // It ended in between, or belongs to somebody else.
      }
    })
}
