import { type Static, Type } from 'typebox'
import { SCENARIOS } from './scenarios/scenarios.ts'

/** The settings of a simulation; the flags and their help come from here. */
export const SimulationConfig = Type.Object(
  {
    scenario: Type.String({
      default: 'flash-2000',
      placeholder: 'name',
      description: `what is simulated: ${SCENARIOS.map(({ name }) => name).join(', ')}`,
    }),
    seed: Type.Integer({
      default: 1,
      minimum: 0,
      placeholder: 'n',
      description: 'of every random choice: the same seed gives the same run',
    }),
    peers: Type.Optional(
      Type.Integer({ minimum: 2, maximum: 100_000, placeholder: 'n', description: 'nodes (as the scenario has it)' }),
    ),
    sizeBytes: Type.Optional(
      Type.Integer({ minimum: 1, placeholder: 'bytes', description: 'of all that is pulled (as the scenario has it)' }),
    ),
    blockBytes: Type.Optional(
      Type.Integer({ minimum: 1024, placeholder: 'bytes', description: 'of a block (as the supernode would choose)' }),
    ),
    replay: Type.String({
      default: '',
      placeholder: 'file',
      description: "simulate the swarm of a supernode's event log in place of a scenario",
    }),
    nodeMbps: Type.Number({
      default: 1_000,
      exclusiveMinimum: 0,
      placeholder: 'n',
      description: 'with --replay: the links of the nodes',
    }),
    supernodeMbps: Type.Number({
      default: 1_000,
      exclusiveMinimum: 0,
      placeholder: 'n',
      description: 'with --replay: the link of the supernode',
    }),
    plot: Type.String({ default: '', placeholder: 'file', description: 'draw completion and rarity over time as SVG' }),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type SimulationConfig = Static<typeof SimulationConfig>
