import { type Static, Type } from 'typebox'

/** The settings of a fuzzing run; the flags and their help come from here. */
export const FuzzConfig = Type.Object(
  {
    seconds: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        placeholder: 'n',
        description: 'how long each target is fuzzed (60 where no --inputs are given)',
      }),
    ),
    inputs: Type.Optional(
      Type.Integer({
        minimum: 1,
        placeholder: 'n',
        description: 'how many inputs each target gets (as many as the time allows)',
      }),
    ),
    seed: Type.Integer({
      default: 1,
      minimum: 0,
      placeholder: 'n',
      description: 'of every random choice: the same seed gives the same inputs',
    }),
    replay: Type.String({ default: '', placeholder: 'file', description: 'give the target this one input instead' }),
    list: Type.Boolean({ default: false, description: 'name the targets and what they read' }),
    failures: Type.String({
      default: 'fuzz-failures',
      placeholder: 'directory',
      description: 'where inputs that fail are written, as small as they could be made',
    }),
    results: Type.String({
      default: 'bench/results/fuzz.jsonl',
      placeholder: 'file',
      description: 'with "all" or several targets, and --json: gets a line for each; empty for none',
    }),
    skipRecorded: Type.Boolean({
      default: false,
      description: 'with --inputs: leave out targets whose newest line in --results has as many, and no failures',
    }),
    json: Type.Boolean({
      default: false,
      description: 'one line of JSON on stdout for each target; all else goes to stderr',
    }),
  },
  { additionalProperties: false },
)
export type FuzzConfig = Static<typeof FuzzConfig>
