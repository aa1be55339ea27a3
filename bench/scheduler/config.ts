import { type Static, Type } from 'typebox'

/** The settings of the scheduler benchmark; the flags and their help come from here. */
export const SchedulerBenchConfig = Type.Object(
  {
    peers: Type.Integer({ default: 15_000, minimum: 2, placeholder: 'n', description: 'members of the swarm' }),
    blocks: Type.Integer({
      default: 2_000,
      minimum: 8,
      placeholder: 'n',
      description: 'blocks of the task; every member comes to hold them all',
    }),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type SchedulerBenchConfig = Static<typeof SchedulerBenchConfig>
