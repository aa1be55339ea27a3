import { type Static, Type } from 'typebox'
import { UNIT_BYTES } from './ways/transport.ts'

const MIB = 1024 * 1024

/** A size that a transport can be asked for. */
export function transferSize(defaultBytes: number, description: string) {
  return Type.Integer({
    default: defaultBytes,
    minimum: UNIT_BYTES,
    multipleOf: UNIT_BYTES,
    placeholder: 'bytes',
    description: `${description}, as 256MiB, in steps of 4 MiB; KiB, MiB and GiB are understood`,
  })
}

/** The settings of the transport benchmark; the flags and their help come from here. */
export const TransportConfig = Type.Object(
  {
    size: transferSize(1024 * MIB, 'what is moved in each measurement'),
    warmUp: transferSize(128 * MIB, 'what is moved before, over the same connection'),
    rounds: Type.Integer({
      default: 5,
      minimum: 1,
      placeholder: 'n',
      description: 'how often each transport is measured',
    }),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type TransportConfig = Static<typeof TransportConfig>
