import { type Static, Type } from 'typebox'
import type { PeerView } from '../control/swarm-director.ts'

/** What tools of Dragonfly v1 read of a peer (`PeerInfo` there). What is not known is left out, as v1 does with empty fields. */
export const V1_PEER_FIELDS = {
  ID: Type.String({ description: 'the same as id' }),
  IP: Type.Optional(Type.String({ description: 'of its first address that has one, IPv4 before IPv6' })),
  hostName: Type.Optional(Type.String({ description: 'of its first address with a name, else its IP' })),
  port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, description: 'of the address that IP is from' })),
  version: Type.Optional(Type.String({ description: 'of its program' })),
  created: Type.String({ format: 'date-time', description: 'when it was linked' }),
}
const V1Peer = Type.Object(V1_PEER_FIELDS)
/** A peer as tools of Dragonfly v1 know it. */
export type V1Peer = Static<typeof V1Peer>

/** What v1 reads of a peer of ours. */
export function v1PeerOf({ id, addresses, agent, linkedAt }: Omit<PeerView, 'labels' | 'tasks'>): V1Peer {
  const hosts = addresses.flatMap(hostOf)
  const ip = hosts.find(({ kind }) => kind === 'ip4') ?? hosts.find(({ kind }) => kind === 'ip6')
  const named = hosts.find(({ kind }) => kind.startsWith('dns'))
  const reached = ip ?? named
  const [, version] = /^[^/]*\/([^/]+)/.exec(agent) ?? []
  return {
    ID: id,
    ...(ip === undefined ? {} : { IP: ip.host }),
    ...(reached === undefined ? {} : { hostName: (named ?? reached).host, port: reached.port }),
    ...(version === undefined ? {} : { version }),
    created: new Date(linkedAt).toISOString(),
  }
}

interface Host {
  readonly kind: string
  readonly host: string
  readonly port: number
}

/** The beginning of a multiaddr of a TCP port, `/ip4/10.0.0.7/tcp/65002`; nothing for any other. */
function hostOf(address: string): Host[] {
  const [, kind = '', host = '', port = ''] =
    /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d{1,5})(?:\/|$)/.exec(address) ?? []
  return kind === '' || Number(port) > 65_535 ? [] : [{ kind, host, port: Number(port) }]
}
