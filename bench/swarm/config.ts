import { type Static, Type } from 'typebox'
import { parseRate } from './rate.ts'

const MIB = 1024 * 1024

/** The settings of the swarm benchmark; the flags and their help come from here. */
export const SwarmConfig = Type.Object(
  {
    nodes: Type.Integer({
      default: 10,
      minimum: 2,
      maximum: 200,
      placeholder: 'n',
      description: 'how many nodes pull at once, each with a link of its own',
    }),
    rate: Type.String({
      default: '100mbit',
      placeholder: 'rate',
      description: "rate of each node's link, up and down each, as 100mbit",
    }),
    supernodeRate: Type.Optional(
      Type.String({ placeholder: 'rate', description: "rate of the supernode's link (default: that of the nodes)" }),
    ),
    registryRate: Type.Optional(
      Type.String({ placeholder: 'rate', description: "rate of the registry's link (default: that of the nodes)" }),
    ),
    size: Type.Integer({
      default: 256 * MIB,
      minimum: MIB,
      placeholder: 'bytes',
      description: 'size of the image, as 256MiB; KiB, MiB and GiB are understood',
    }),
    layers: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 127,
      placeholder: 'n',
      description: 'layers of the image, a few large and some small',
    }),
    record: Type.Optional(
      Type.String({
        minLength: 1,
        placeholder: 'file',
        description: "file for all that the supernode's scheduler is told, for npm run simulate -- --replay FILE",
      }),
    ),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type SwarmConfig = Static<typeof SwarmConfig>

/** What is measured. */
export interface SwarmPlan {
  readonly nodes: number
  /** Of the image, about. */
  readonly size: number
  readonly layers: number
  readonly rates: LinkRates
  /** File for the events of the supernode's scheduler. */
  readonly record: string | undefined
}

/** Rates of the links in bit/s, each in both directions at once. */
export interface LinkRates {
  readonly node: number
  readonly supernode: number
  readonly registry: number
}

/** Reads what the schema cannot. @throws DamselflyError CONFIG_INVALID */
export function planOf({ nodes, size, layers, rate, supernodeRate, registryRate, record }: SwarmConfig): SwarmPlan {
  const node = parseRate(rate, 'rate')
  const rates = {
    node,
    supernode: supernodeRate === undefined ? node : parseRate(supernodeRate, 'supernodeRate'),
    registry: registryRate === undefined ? node : parseRate(registryRate, 'registryRate'),
  }
  return { nodes, size, layers, rates, record }
}
