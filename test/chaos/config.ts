import { type Static, Type } from 'typebox'
import { MIN_MINUTES } from './plan/phases.ts'

/** The settings of a chaos run; the flags and their help come from here. */
export const ChaosConfig = Type.Object(
  {
    seed: Type.Integer({
      default: 1,
      minimum: 0,
      maximum: 2 ** 31 - 1,
      placeholder: 'n',
      description: 'decides all faults and pulls, and when they come',
    }),
    minutes: Type.Number({
      default: 3,
      minimum: MIN_MINUTES,
      maximum: 60,
      placeholder: 'n',
      description: 'how long the run takes, without the start of its programs',
    }),
    nodes: Type.Integer({ default: 6, minimum: 3, maximum: 20, placeholder: 'n', description: 'nodes of the cluster' }),
    logs: Type.Optional(
      Type.String({
        minLength: 1,
        placeholder: 'directory',
        description: 'where the logs of all programs go (default: a temporary one, kept when an invariant is broken)',
      }),
    ),
    wide: Type.Boolean({
      default: false,
      description: 'hold times to the bounds of a busy machine, on a quiet one too; all else is held as ever',
    }),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type ChaosConfig = Static<typeof ChaosConfig>
