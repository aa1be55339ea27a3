const MIB = 1024 * 1024

/** What a program held when nothing was pulled. */
export interface Holding {
  readonly unit: string
  readonly life: number
  /** On V8's heap and outside of it, after a collection. */
  readonly heapBytes: number
  /** What the kernel counts, garbage and caches of the allocator included. */
  readonly residentBytes: number
  /** Open file descriptors. */
  readonly descriptors: number
}

/** How much more a program may hold at the end than at its baseline. */
export const LEAK_BOUNDS = { heapBytes: 16 * MIB, residentBytes: 128 * MIB, descriptors: 40 } as const

/** A program that holds more at the end than it may. */
export interface Leak {
  readonly unit: string
  readonly what: keyof typeof LEAK_BOUNDS
  readonly baseline: number
  readonly atEnd: number
}

/**
 * Compares what programs hold at the end with their baseline: the first time that the same life of a program was measured.
 * @param measured in the order of time, the last one at the end
 */
export function leaksOf(measured: readonly (readonly Holding[])[]): Leak[] {
  const leaks: Leak[] = []
  for (const end of measured.at(-1) ?? []) {
    const sameLife = ({ unit, life }: Holding) => unit === end.unit && life === end.life
    const baseline = measured.flat().find(sameLife)
    if (baseline === undefined) continue
    for (const what of Object.keys(LEAK_BOUNDS) as (keyof typeof LEAK_BOUNDS)[]) {
      if (end[what] - baseline[what] <= LEAK_BOUNDS[what]) continue
      leaks.push({ unit: end.unit, what, baseline: baseline[what], atEnd: end[what] })
    }
  }
  return leaks
}
