import { faultInWords } from '../faults/run-faults.ts'
import type { ChaosRecord } from '../run-chaos.ts'

/** So much of the story around a moment is told. */
const AROUND_MS = 15_000

/** The faults of a run in the order of time, a line each. */
export function faultLines({ faults }: Pick<ChaosRecord, 'faults'>): string[] {
  return [...faults].sort((a, b) => a.beganAtMs - b.beganAtMs).map(faultInWords)
}

/** What happened around a moment: faults, pulls that had trouble, and what was read at the origin by others than the supernode. */
export function linesAround({ faults, pulls, reads }: ChaosRecord, atMs: number): string[] {
  const isNear = (fromMs: number, toMs: number) => fromMs <= atMs + AROUND_MS && toMs >= atMs - AROUND_MS
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
  const lines = faults
    .filter(({ beganAtMs, healedAtMs }) => isNear(beganAtMs, healedAtMs))
    .map(fault => ({ atMs: fault.beganAtMs, text: faultInWords(fault) }))
  for (const { planned, report } of pulls) {
    if (!isNear(report.startedAt, report.endedAt)) continue
    const { longestStallMs, stalledAt, fallbacks, breaks, error } = report
    if (longestStallMs < 2_000 && fallbacks.length === 0 && breaks.length === 0 && error === undefined) continue
    const story = [
      `pull ${planned.id} of image ${planned.image} at ${planned.node}${planned.inPieces ? ' in pieces' : ''}`,
      `${seconds(report.startedAt)} to ${seconds(report.endedAt)}`,
      `stood still ${Math.round(longestStallMs)} ms from ${seconds(stalledAt)}`,
      ...fallbacks.map(({ at, what }) => `${seconds(at)} fell back: ${what}`),
      ...breaks.map(({ at, what }) => `${seconds(at)} cut: ${what}`),
      ...(error === undefined ? [] : [`failed: ${error}`]),
    ]
    lines.push({ atMs: report.startedAt, text: story.join('; ') })
  }
  for (const read of reads) {
    if (read.reader === 'supernode' || !isNear(read.atMs, read.atMs)) continue
    const who = `${read.reader}${read.byRuntime ? "'s runtime" : ''}`
    lines.push({ atMs: read.atMs, text: `${who} read ${read.start} to ${read.end} of ${read.digest} at the origin` })
  }
  return lines.sort((a, b) => a.atMs - b.atMs).map(line => `${seconds(line.atMs)}: ${line.text}`)
}
