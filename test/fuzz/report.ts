import type { Conditions } from '../../bench/conditions.ts'

/** What a run of one target came to, as it is printed and recorded. */
export interface FuzzFigures {
  readonly target: string
  readonly seed: number
  readonly inputs: number
  readonly seconds: number
  readonly inputsPerSecond: number
  /** Ways to fail that were found. */
  readonly failures: number
  /** Of any input, in milliseconds. */
  readonly slowestMs: number
  /** Since the warm-up, after collecting garbage; below zero where memory was given back. */
  readonly heapGrowthMiB: number
  readonly rssGrowthMiB: number
  readonly commit: string | null
  readonly conditions: Conditions
}

/** One line for people. */
export function drawFigures(figures: FuzzFigures): string {
  const { target, inputs, seconds, inputsPerSecond, failures, slowestMs, heapGrowthMiB, rssGrowthMiB } = figures
  const cells = [
    target.padEnd(20),
    `${inputs} inputs in ${seconds} s (${inputsPerSecond}/s)`.padEnd(42),
    `${failures} failures`.padEnd(12),
    `slowest ${slowestMs} ms`.padEnd(20),
    `grown: heap ${heapGrowthMiB} MiB, rss ${rssGrowthMiB} MiB`,
  ]
  return `${cells.join('  ')}\n`
}
