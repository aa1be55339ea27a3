import { formatBytes, formatElapsed } from '../../lib/terminal/format.ts'
import type { Conditions } from '../conditions.ts'
import { median } from '../measure/median.ts'
import { rounded } from '../measure/rounded.ts'

/** What was measured. One entry in each list for each run, in milliseconds. */
export interface PullFigures {
  /** Pulls straight from the registry. */
  readonly direct: readonly number[]
  /** Pulls through a dfdaemon that, like its supernode, holds nothing. */
  readonly cold: readonly number[]
  /** Pulls through the same dfdaemon, which now holds everything. */
  readonly warm: readonly number[]
  /** From the request for a blob that the dfdaemon holds to the first byte of its body: all blobs of all runs. */
  readonly warmFirstByte: readonly number[]
  readonly imageBytes: number
  readonly layers: number
  /** Rate of the registry's link. */
  readonly linkBitsPerSecond: number
  readonly conditions: Conditions
}

/** The figures for programs: medians, ratios of medians, and what they were made of. */
export function pullJson({ direct, cold, warm, warmFirstByte, conditions, ...rest }: PullFigures) {
  const [directMs, coldMs, warmMs] = [direct, cold, warm].map(median) as [number, number, number]
  return {
    directMs: rounded(directMs, 1),
    coldMs: rounded(coldMs, 1),
    warmMs: rounded(warmMs, 1),
    coldRatio: rounded(coldMs / directMs, 3),
    warmRatio: rounded(warmMs / directMs, 3),
    warmFirstByteMs: rounded(median(warmFirstByte), 2),
    runs: direct.map((_, run) => ({
      directMs: rounded(direct[run] ?? Number.NaN, 1),
      coldMs: rounded(cold[run] ?? Number.NaN, 1),
      warmMs: rounded(warm[run] ?? Number.NaN, 1),
    })),
    ...rest,
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}

/** The figures for people: a line for each run, the medians, and the conditions. */
export function drawPulls(figures: PullFigures): string {
  const { direct, imageBytes, layers, linkBitsPerSecond, conditions } = figures
  const json = pullJson(figures)
  const rows = [
    ['', 'direct', 'cold', 'warm', 'cold/direct', 'warm/direct'],
    ...json.runs.map((run, index) => row(`run ${index + 1}`, run)),
    row('median', json),
  ]
  const link = `${linkBitsPerSecond / 1e6} Mbit/s`
  const machine = `${conditions.cpus} × ${conditions.cpuModel}, Node ${conditions.node}`
  const others = `other programs took ${Math.round(conditions.foreignCpuShare * 100)} % of the processor time`
  return `${[
    ...rows.map(cells => cells.map((cell, column) => (column === 0 ? cell.padEnd(8) : cell.padStart(13))).join('')),
    '',
    `A stored blob's first byte: ${json.warmFirstByteMs} ms (median).`,
    `Image of ${formatBytes(imageBytes)} in ${layers} layers; the registry's link: ${link}; ${direct.length} runs.`,
    `${machine}. Load average at the start: ${conditions.loadBefore.toFixed(2)}; ${others}.`,
  ].join('\n')}\n`
}

interface PullTimes {
  readonly directMs: number
  readonly coldMs: number
  readonly warmMs: number
}

function row(name: string, { directMs, coldMs, warmMs }: PullTimes): string[] {
  const times = [directMs, coldMs, warmMs].map(formatElapsed)
  return [name, ...times, (coldMs / directMs).toFixed(3), (warmMs / directMs).toFixed(3)]
}
