import { type Static, Type } from 'typebox'
import { ROUNDS, storeDirectory } from '../loopback/config.ts'
import { transferSize } from '../transport/config.ts'

const MIB = 1024 * 1024

/** The settings of the last-hop benchmark; the flags and their help come from here. */
export const LastHopConfig = Type.Object(
  {
    size: transferSize(1024 * MIB, 'size of the layer'),
    directory: storeDirectory('directory for what is stored, three times the size'),
    rounds: ROUNDS,
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type LastHopConfig = Static<typeof LastHopConfig>
