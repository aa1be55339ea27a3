import { setFlagsFromString } from 'node:v8'

/** Half of V8's young generation, in MiB. By default it may grow to 16 MiB on 64-bit machines. */
const SEMI_SPACE_MIB = 2

/**
 * Keeps V8's young generation small. Blocks live outside the heap, behind small objects in the young generation; while it is
 * large, tens of MiB of blocks that nobody needs wait for its next collection. V8 heeds the limit only while the young
 * generation has not grown yet: a program calls this before it loads anything else. docs/decisions/0005 has the measurements.
 */
export function keepHeapSmall(): void {
  setFlagsFromString(`--max-semi-space-size=${SEMI_SPACE_MIB}`)
  setFlagsFromString('--semi-space-growth-factor=1')
}
