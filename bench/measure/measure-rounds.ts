import { interleave } from './interleave.ts'

interface RoundsInit {
  readonly rounds: number
  /** Is told the number of rounds that are done. */
  readonly heard: (rounds: number) => void
}

/**
 * Measures several things in rounds, in the order of `interleave`.
 * @param measure how each of them is measured once
 * @returns a measurement of each thing for each round
 */
export async function measureRounds<Round extends object>(
  measure: { readonly [Thing in keyof Round]: () => Promise<Round[Thing]> },
  { rounds, heard }: RoundsInit,
): Promise<readonly Round[]> {
  const things = Object.keys(measure) as (keyof Round)[]
  const done: Partial<Round>[] = Array.from({ length: rounds }, () => ({}))
  for (const [index, thing] of interleave(things, rounds).entries()) {
    const round = done[Math.floor(index / things.length)]
    const measured = await measure[thing]()
    if (round !== undefined) round[thing] = measured
    if ((index + 1) % things.length === 0) heard((index + 1) / things.length)
  }
  return done as Round[]
}
