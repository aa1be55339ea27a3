/**
 * The order in which things that are compared are measured: all of them once in each run, every second run backwards. So a
 * machine that gets slower or faster meanwhile, and whatever the one leaves behind for the next, favour none of them.
 */
export function interleave<Thing>(things: readonly Thing[], runs: number): readonly Thing[] {
  return Array.from({ length: runs }, (_, run) => (run % 2 === 0 ? things : things.toReversed())).flat()
}
