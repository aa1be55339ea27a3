import { type Static, Type } from 'typebox'
import type { V1Peer } from './v1-peer.ts'

const SORT_KEYS = ['ID', 'IP', 'hostName', 'port', 'version', 'created'] as const satisfies readonly (keyof V1Peer)[]

/** `?pageNum=&pageSize=&sortKey=&sortDirect=`: which peers to list, in which order; the names are those of Dragonfly v1. */
export const PeerQuery = Type.Object(
  {
    pageNum: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'counts from 0; says nothing without a pageSize' }),
    ),
    pageSize: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'peers of a page; 0, as by default, for all' }),
    ),
    sortKey: Type.Optional(
      Type.Array(Type.Enum(SORT_KEYS, { type: 'string' }), {
        maxItems: SORT_KEYS.length,
        description: 'may be given several times, the one that counts most first; created by default',
      }),
    ),
    sortDirect: Type.Optional(Type.Enum(['ASC', 'DESC'], { type: 'string', description: 'ASC by default' })),
  },
  { additionalProperties: false },
)
export type PeerQuery = Static<typeof PeerQuery>

type Order = (one: V1Peer, other: V1Peer) => number

/** `10.0.0.9` comes before `10.0.0.10`. */
const NUMBERED = new Intl.Collator('en', { numeric: true })

const ORDERS: Readonly<Record<(typeof SORT_KEYS)[number], Order>> = {
  ID: (one, other) => compareText(one.ID, other.ID),
  IP: (one, other) => NUMBERED.compare(one.IP ?? '', other.IP ?? ''),
  hostName: (one, other) => NUMBERED.compare(one.hostName ?? '', other.hostName ?? ''),
  port: (one, other) => (one.port ?? -1) - (other.port ?? -1),
  version: (one, other) => NUMBERED.compare(one.version ?? '', other.version ?? ''),
  created: (one, other) => compareText(one.created, other.created),
}

/** One page of peers. Where the keys say nothing, peers stay in the order in which they come; what is not known comes first. */
export function pageOfPeers<Peer extends V1Peer>(peers: readonly Peer[], query: PeerQuery): Peer[] {
  const { pageNum = 0, pageSize = 0, sortKey = ['created'], sortDirect = 'ASC' } = query
  const sign = sortDirect === 'ASC' ? 1 : -1
  const orders = sortKey.map(key => ORDERS[key])
  const sorted = peers.toSorted((one, other) => {
    for (const order of orders) {
      const found = order(one, other)
      if (found !== 0) return found * sign
    }
    return 0
  })
  return pageSize === 0 ? sorted : sorted.slice(pageNum * pageSize, (pageNum + 1) * pageSize)
}

function compareText(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
