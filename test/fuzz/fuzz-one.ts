import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { watchMachine } from '../../bench/conditions.ts'
import { readCommit } from '../../bench/measure/commit.ts'
import type { FuzzConfig } from './config.ts'
import type { Failure } from './engine/failure.ts'
import { superviseRun } from './engine/supervise.ts'
import type { FuzzTarget } from './engine/target.ts'
import type { FuzzFigures } from './report.ts'

const DEFAULT_SECONDS = 60

/**
 * Fuzzes one target. Inputs that fail are written to files.
 * @param say is told of failures, with the command that shows each again
 */
export async function fuzzOne(
  target: FuzzTarget,
  config: Pick<FuzzConfig, 'seconds' | 'inputs' | 'seed' | 'failures'>,
  say: (text: string) => void,
  options: { signal: AbortSignal },
): Promise<FuzzFigures> {
  const { seed } = config
  const inputs = config.inputs ?? Number.POSITIVE_INFINITY
  const seconds = config.seconds ?? (config.inputs === undefined ? DEFAULT_SECONDS : Number.POSITIVE_INFINITY)
  const commit = readCommit()
  const conditions = watchMachine()
  const { figures, failures } = await superviseRun(target, { seed, inputs, seconds }, () => {}, options)
  for (const failure of failures) say(await told(target, failure, config))
  return {
    target: target.name,
    seed,
    inputs: figures.inputs,
    seconds: rounded(figures.seconds),
    inputsPerSecond: Math.round(figures.inputs / figures.seconds),
    failures: failures.length,
    slowestMs: rounded(figures.slowestMs),
    heapGrowthMiB: rounded(figures.grown.heap),
    rssGrowthMiB: rounded(figures.grown.rss),
    commit,
    conditions: conditions(),
  }
}

async function told(target: FuzzTarget, failure: Failure, { failures }: Pick<FuzzConfig, 'failures'>): Promise<string> {
  const { kind, text, input } = failure
  const head = `${target.name} ${kind}: ${text}\n`
  if (input === undefined) return head
  const name = `${target.name}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`
  await mkdir(failures, { recursive: true })
  const file = relative('', join(failures, name))
  await writeFile(file, input)
  return `${head}  ${file} (${input.length} bytes); again: npm run fuzz -- ${target.name} --replay ${file}\n`
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
