import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startProcess } from '../helpers/process.ts'
import { FAULT_KINDS } from './plan/fault.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const SEED = 7
const MINUTES = 3
/** The build and the start of the programs, and the last pulls of a slow machine, come on top. */
const TIMEOUT_MS = 480_000

// Times are for the recorded runs, on a quiet machine: bytes, failures and leaks are for every machine.
test(
  'three minutes of kills, freezes, cuts, full disks, wrong clocks, corrupt blocks, revoked nodes, bad peers and strangers are not noticed',
  async () => {
    const flags = ['--seed', `${SEED}`, '--minutes', `${MINUTES}`, '--wide', '--json']
    await using chaos = await startProcess(process.execPath, [MAIN, ...flags])
    const { code } = await chaos.exited
    const story = chaos.stderr.text()
    process.stdout.write(story)
    expect(code, story).toBe(0)
    const line = chaos.stdout.lines().at(-1) ?? ''
    process.stdout.write(`${line}\n`)
    const result = JSON.parse(line) as Record<string, unknown>
    expect(result).toMatchObject({ seed: SEED, failed: 0, wrongBytes: 0, leaks: [], broken: [] })
    expect(result.pulls).toBeGreaterThan(300)
    expect(Object.keys(result.faults as object)).toHaveLength(FAULT_KINDS.length)
  },
  TIMEOUT_MS,
)
