import { type Static, Type } from 'typebox'

const hosts = (description: string) => Type.Array(Type.String(), { default: [], description })

/** What may be asked on behalf of others. Shared by supernode and dfdaemon. */
export const OutboundConfig = Type.Object(
  {
    schemes: Type.Array(Type.Union([Type.Literal('https'), Type.Literal('http')]), {
      default: ['https'],
      description:
        'how servers are asked: https, http; a server with an http:// URL in upstreams is asked by http in any case',
    }),
    allowHosts: hosts(
      'hosts that are asked, as host or host:port with * for anything; all where none is listed. Those of upstreams are asked in any case',
    ),
    denyHosts: hosts('hosts that are never asked, as host or host:port with * for anything'),
    allowPorts: Type.Array(
      Type.Union([
        Type.Integer({ minimum: 1, maximum: 65_535 }),
        Type.String({ pattern: '^[1-9]\\d{0,4}(-[1-9]\\d{0,4})?$' }),
      ]),
      {
        default: [80, 443, 5000, 8443],
        description: 'ports that are asked, also as 8000-8999; those in the URLs of upstreams are asked in any case',
      },
    ),
    allowNetworks: hosts(
      'networks in CIDR form that are asked although they are private, loopback, multicast or reserved; link-local networks and metadata services only where one is listed itself',
    ),
    denyNetworks: hosts('networks in CIDR form that are never asked, whatever else allows them'),
    maxBytes: Type.Integer({
      default: 1024 ** 4,
      minimum: 1,
      placeholder: 'bytes',
      description: 'largest content that is read',
    }),
    leastBytesPerSecond: Type.Integer({
      default: 1024,
      minimum: 0,
      placeholder: 'bytes',
      description: 'a server that sends less, for 30 s in which its bytes are waited for, is given up; 0 for never',
    }),
  },
  { additionalProperties: false, default: {} },
)
export type OutboundConfig = Static<typeof OutboundConfig>
