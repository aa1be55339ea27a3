import { type Static, Type } from 'typebox'
import { transferSize } from '../transport/config.ts'

const MIB = 1024 * 1024

/** The settings of the fan-out benchmark; the flags and their help come from here. */
export const FanoutConfig = Type.Object(
  {
    peers: Type.Integer({
      default: 8,
      minimum: 1,
      maximum: 64,
      placeholder: 'n',
      description: 'how many receive at once, each in a process of its own',
    }),
    size: transferSize(256 * MIB, 'what each of them receives'),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type FanoutConfig = Static<typeof FanoutConfig>
