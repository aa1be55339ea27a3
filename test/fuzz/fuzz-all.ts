import { execFile } from 'node:child_process'
import { appendFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DamselflyError } from '../../protocol/errors.ts'
import type { FuzzConfig } from './config.ts'
import type { FuzzTarget } from './engine/target.ts'
import type { FuzzFigures } from './report.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

/**
 * Fuzzes targets one after the other, each in a process of its own, whose memory is that of its target. One that ends without figures
 * does not keep the others from their turn.
 * @param heard is told of each target that is done, or what was wrong with its process
 * @returns how many of them have failures
 */
export async function fuzzAll(
  targets: readonly FuzzTarget[],
  config: FuzzConfig,
  { signal }: { signal: AbortSignal },
  heard: (figures: FuzzFigures | DamselflyError) => void,
): Promise<number> {
  let failed = 0
  for (const target of targets) {
    const figures = await fuzzInProcess(target, config, signal)
    heard(figures)
    if (figures instanceof DamselflyError || figures.failures > 0) failed++
    if (figures instanceof DamselflyError || !config.json || config.results === '') continue
    await appendFile(config.results, `${JSON.stringify(figures)}\n`)
  }
  return failed
}

async function fuzzInProcess(
  { name }: FuzzTarget,
  config: FuzzConfig,
  signal: AbortSignal,
): Promise<FuzzFigures | DamselflyError> {
  const { seconds, inputs, seed, failures } = config
  const given = Object.entries({ seconds, inputs, seed, failures })
  const flags = given.flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, String(value)]))
  const args = [MAIN, name, ...flags, '--json']
  const running = promisify(execFile)(process.execPath, args, { signal, maxBuffer: 64 * 1024 * 1024 })
  running.child.stderr?.pipe(process.stderr, { end: false })
  // A process with failures ends with 1 after it has told its figures.
  const { stdout } = await running.catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }))
  signal.throwIfAborted()
  const line = stdout.trim().split('\n').at(-1) ?? ''
  if (!line.startsWith('{')) return new DamselflyError('PROGRAM_FAILED', `fuzzing ${name} ended without figures`)
  return JSON.parse(line) as FuzzFigures
}
