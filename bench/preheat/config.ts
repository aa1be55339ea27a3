import { type Static, Type } from 'typebox'
import { DamselflyError } from '../../protocol/errors.ts'
import { ROUNDS } from '../loopback/config.ts'
import type { LinkRates } from '../swarm/config.ts'
import { parseRate } from '../swarm/rate.ts'

const MIB = 1024 * 1024

/** The settings of the preheat benchmark; the flags and their help come from here. */
export const PreheatConfig = Type.Object(
  {
    nodes: Type.Integer({
      default: 10,
      minimum: 2,
      maximum: 200,
      placeholder: 'n',
      description: 'how many nodes there are, each with a link of its own',
    }),
    rate: Type.String({
      default: '100mbit',
      placeholder: 'rate',
      description: 'rate of each link, up and down each, as 100mbit: of the nodes, the supernode and the registry',
    }),
    size: Type.Integer({
      default: 256 * MIB,
      minimum: 2 * MIB,
      placeholder: 'bytes',
      description: 'size of the image that is preheated, as 256MiB; KiB, MiB and GiB are understood',
    }),
    layers: Type.Integer({
      default: 12,
      minimum: 1,
      maximum: 127,
      placeholder: 'n',
      description: 'layers of that image, a few large and some small',
    }),
    pullSize: Type.Integer({
      default: 128 * MIB,
      minimum: MIB,
      placeholder: 'bytes',
      description:
        'size of the image that one node pulls meanwhile; at most half of size, so that the preheat outlasts it',
    }),
    rounds: ROUNDS,
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type PreheatConfig = Static<typeof PreheatConfig>

/** What is measured. */
export interface PreheatPlan {
  readonly nodes: number
  /** Of the image that is preheated, about. */
  readonly size: number
  readonly layers: number
  /** Of the image that one node pulls meanwhile, about. */
  readonly pullSize: number
  readonly rounds: number
  readonly rates: LinkRates
}

/** Reads what the schema cannot. @throws DamselflyError CONFIG_INVALID */
export function planOf({ nodes, rate, size, layers, pullSize, rounds }: PreheatConfig): PreheatPlan {
  if (2 * pullSize > size) {
    const limit = `pullSize must be at most half of size, ${Math.floor(size / 2)} bytes here`
    throw new DamselflyError('CONFIG_INVALID', `${limit}: otherwise the preheat would be over before the pull is`)
  }
  const bitsPerSecond = parseRate(rate, 'rate')
  const rates = { node: bitsPerSecond, supernode: bitsPerSecond, registry: bitsPerSecond }
  return { nodes, size, layers, pullSize, rounds, rates }
}
