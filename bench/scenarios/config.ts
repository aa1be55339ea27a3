import { type Static, Type } from 'typebox'

/** The settings of the scenario runs; the flags and their help come from here. */
export const ScenariosConfig = Type.Object(
  {
    only: Type.Array(Type.String(), {
      default: [],
      placeholder: 'name',
      repeatable: true,
      description: 'scenarios to run; may be given several times (all)',
    }),
    seeds: Type.Integer({
      default: 5,
      minimum: 1,
      placeholder: 'n',
      description: 'runs of each scenario, with seeds from 1 on',
    }),
    atOnce: Type.Integer({ default: 2, minimum: 1, placeholder: 'n', description: 'runs at the same time' }),
    results: Type.String({
      default: '',
      placeholder: 'file',
      description: 'file for the figures, one JSON object a line',
    }),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type ScenariosConfig = Static<typeof ScenariosConfig>
