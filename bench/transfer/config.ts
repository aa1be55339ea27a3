import { type Static, Type } from 'typebox'
import { ROUNDS, storeDirectory } from '../loopback/config.ts'
import { transferSize } from '../transport/config.ts'

const MIB = 1024 * 1024

/** The settings of the transfer benchmark; the flags and their help come from here. */
export const TransferConfig = Type.Object(
  {
    size: transferSize(1024 * MIB, 'what one peer fetches from another in each measurement'),
    directory: storeDirectory('directory on the disk that is measured; twice the size is stored there'),
    rounds: ROUNDS,
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type TransferConfig = Static<typeof TransferConfig>
