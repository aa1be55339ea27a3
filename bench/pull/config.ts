import { type Static, Type } from 'typebox'

const MIB = 1024 * 1024

/** The settings of the pull benchmark; the flags and their help come from here. */
export const PullConfig = Type.Object(
  {
    size: Type.Integer({
      default: 256 * MIB,
      minimum: MIB,
      placeholder: 'bytes',
      description: 'size of the image, as 256MiB; KiB, MiB and GiB are understood',
    }),
    layers: Type.Integer({
      default: 8,
      minimum: 1,
      maximum: 127,
      placeholder: 'n',
      description: 'layers of the image, a few large and some small',
    }),
    runs: Type.Integer({
      default: 5,
      minimum: 1,
      placeholder: 'n',
      description: 'how often each kind of pull is measured',
    }),
    rate: Type.Integer({
      default: 400e6,
      minimum: 1e6,
      placeholder: 'bit/s',
      description: "rate of the registry's link, as 400M",
    }),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type PullConfig = Static<typeof PullConfig>
