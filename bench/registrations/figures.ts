import { quantile } from '../../test/simulation/report/figures.ts'
import type { Conditions } from '../conditions.ts'
import { rounded } from '../measure/rounded.ts'
import type { LoadResult } from './loader-program.ts'

/** What was measured. */
export interface RegistrationFigures extends LoadResult {
  readonly perSecond: number
  readonly identities: number
  readonly contents: number
  /** What the supernode took meanwhile. */
  readonly supernodeCpuSeconds: number
  /** The commit that was measured; null when nobody knows. */
  readonly commit: string | null
  readonly conditions: Conditions
}

/** The figures for programs. */
export function registrationsJson(figures: RegistrationFigures) {
  const { sent, elapsedMs, validMs, invalidMs, lateMs, wrong, cpuSeconds, supernodeCpuSeconds } = figures
  const { perSecond, identities, contents, commit, conditions } = figures
  const all = timesOf([...validMs, ...invalidMs])
  return {
    p50Ms: all.p50Ms,
    p99Ms: all.p99Ms,
    p999Ms: all.p999Ms,
    maxMs: all.maxMs,
    wrongAnswers: Object.values(wrong).reduce((sum, count) => sum + count, 0),
    wrong,
    sent,
    perSecond,
    answeredPerSecond: rounded(((validMs.length + invalidMs.length) * 1000) / elapsedMs, 1),
    identities,
    contents,
    valid: { count: validMs.length, ...timesOf(validMs) },
    invalid: { count: invalidMs.length, ...timesOf(invalidMs) },
    loaderLateP99Ms: timesOf(lateMs).p99Ms,
    supernodeCpuShare: rounded((supernodeCpuSeconds * 1000) / elapsedMs, 3),
    supernodeCpuMsPerRegistration: rounded((supernodeCpuSeconds * 1000) / sent, 3),
    loaderCpuShare: rounded((cpuSeconds * 1000) / elapsedMs, 3),
    commit,
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}

function timesOf(elapsedMs: readonly number[]) {
  const sorted = elapsedMs.toSorted((a, b) => a - b)
  const at = (share: number) => rounded(quantile(sorted, share), 2)
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) }
}
