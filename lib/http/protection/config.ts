import { type Static, type TObject, Type } from 'typebox'

/** How many callers are remembered by each limit. */
export const MAX_CALLERS = 20_000

/** How many requests an API answers. What a pull consists of is not counted. */
export const RequestLimitsConfig = Type.Object(
  {
    perIdentity: allowance('requests of one node, token or Unix socket', 2_000, 20_000),
    total: allowance('requests of all nodes, tokens and sockets together', 10_000, 100_000),
    perAddress: allowance('requests of one address (IPv6: one /64) that proves no identity', 20, 200),
    anonymous: allowance('requests of all who prove no identity together', 500, 2_000),
    failedAttempts: allowance('failed authentications of one address (IPv6: one /64)', 0.2, 10),
  },
  { additionalProperties: false, default: {} },
)
export type RequestLimitsConfig = Static<typeof RequestLimitsConfig>

/** How long connections may take, and how many there may be. */
export const ConnectionLimitsConfig = Type.Object(
  {
    max: Type.Integer({
      default: 8_192,
      minimum: 16,
      description:
        'connections to the API at once; beyond it unused ones are closed, those of longest silence first. Fewer where the system gives the process fewer file descriptors',
    }),
    maxPerAddress: Type.Integer({
      default: 2_048,
      minimum: 1,
      description: 'connections of one address (IPv6: one /64) other than the loopback',
    }),
    headersSeconds: Type.Number({
      default: 15,
      minimum: 1,
      maximum: 600,
      description: 'how long the headers of a request may take, and a new connection until its first request',
    }),
    minBodyRate: Type.Integer({
      default: 1_024,
      minimum: 0,
      placeholder: 'bytes/s',
      description: 'least rate at which the body of a request must come, over 10 s; 0 for none',
    }),
  },
  { additionalProperties: false, default: {} },
)
export type ConnectionLimitsConfig = Static<typeof ConnectionLimitsConfig>

/** The settings of an API's protection, by their names in a program's settings. */
export const PROTECTION_SETTINGS = { requests: RequestLimitsConfig, connections: ConnectionLimitsConfig } as const

type AllowanceSetting = TObject<{ perSecond: ReturnType<typeof Type.Number>; burst: ReturnType<typeof Type.Integer> }>

function allowance(what: string, perSecond: number, burst: number): AllowanceSetting {
  return Type.Object(
    {
      perSecond: Type.Number({ default: perSecond, minimum: 0, description: `${what}, a second; 0 for no limit` }),
      burst: Type.Integer({ default: burst, minimum: 1, description: `${what}, at once after a pause` }),
    },
    { additionalProperties: false, default: {} },
  )
}
