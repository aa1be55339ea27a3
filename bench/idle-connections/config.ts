import { type Static, Type } from 'typebox'

/** The settings of the idle-connections benchmark; the flags and their help come from here. */
export const IdleConnectionsConfig = Type.Object(
  {
    idle: Type.Integer({
      default: 5_000,
      minimum: 0,
      maximum: 20_000,
      placeholder: 'n',
      description: 'connections that send nothing, half of them after a first request',
    }),
    slow: Type.Integer({
      default: 100,
      minimum: 0,
      maximum: 2_000,
      placeholder: 'n',
      description:
        'connections of each kind that send a byte of a header, send a byte of a body, or read a byte of a blob, every second',
    }),
    size: Type.Integer({
      default: 256 * 1024 ** 2,
      minimum: 1024 ** 2,
      placeholder: 'bytes',
      description: 'size of each blob that the honest client pulls',
    }),
    rounds: Type.Integer({
      default: 5,
      minimum: 1,
      maximum: 50,
      placeholder: 'n',
      description: 'how often it pulls, with and without the others each time',
    }),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type IdleConnectionsConfig = Static<typeof IdleConnectionsConfig>
