/** Ratios that a scenario must not exceed; a missing one is not asked for. */
export interface Target {
  readonly p50Ratio?: number
  readonly p999Ratio?: number
  readonly originRatio?: number
  readonly crossZoneRatio?: number
  readonly wallMs?: number
}

const TOUGH: Target = { p50Ratio: 1.1, p999Ratio: 1.25, originRatio: 1.02 }

/** What we hold ourselves to, by scenario. */
export const TARGETS: Readonly<Record<string, Target>> = {
  kraken: { p50Ratio: 1.02, p999Ratio: 1.06, originRatio: 1 },
  'flash-2000': { p50Ratio: 1.05, p999Ratio: 1.1, originRatio: 1 },
  'fleet-15k': { p50Ratio: 1.05, p999Ratio: 1.1, originRatio: 1, wallMs: 600_000 },
  churn: TOUGH,
  'slow-tenth': TOUGH,
  staggered: TOUGH,
  liars: TOUGH,
  zones: { p50Ratio: 1.1, p999Ratio: 1.2, originRatio: 1, crossZoneRatio: 3.3 },
}

/** The figures that miss their target, as `name value > limit`. */
export function missed(scenario: string, figures: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(TARGETS[scenario] ?? {}).flatMap(([name, limit]) => {
    const value = figures[name]
    return typeof value === 'number' && value <= limit ? [] : [`${name} ${value} > ${limit}`]
  })
}
