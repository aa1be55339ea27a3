import { setFlagsFromString } from 'node:v8'

const FLAGS = [
  // MiB of half of the young generation. By default it may grow to 16 on 64-bit machines.
  '--max-semi-space-size=2',
  '--semi-space-growth-factor=1',
  // By how much the old generation grows before it is collected. By default that is 8 MiB in a program that was idle before.
  '--heap-growing-percent=200',
]

/**
 * Fits V8's collector to programs through which bytes pass. Blocks live outside the heap, behind small objects in the young
 * generation; while it is large, tens of MiB of blocks that nobody needs wait for its next collection. And these bytes count as
 * growth of the old generation, all of which is then collected for every few MiB. V8 heeds the limit of the young generation
 * only while it has not grown yet: a program calls this before it loads anything else. docs/decisions/0005 has the measurements.
 */
export function tuneHeap(): void {
  for (const flag of FLAGS) setFlagsFromString(flag)
}
