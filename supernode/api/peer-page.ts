import { type Static, Type } from 'typebox'
import type { V1Peer } from './v1-peer.ts'

const SORT_KEYS = ['ID', 'IP', 'hostName', 'port', 'version', 'created'] as const satisfies readonly (keyof V1Peer)[]

/** Which peers to list, in which order; the names are those of Dragonfly v1. */
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

/** `10.0.0.9` comes before `10.0.0.10`. */
const TEXT_ORDER = new Intl.Collator('en', { numeric: true })

/** One page of peers. Where the keys say nothing, peers stay in the order in which they come. */
export function pageOfPeers<Peer extends V1Peer>(peers: readonly Peer[], query: PeerQuery): Peer[] {
  const { pageNum = 0, pageSize = 0, sortKey = ['created'], sortDirect = 'ASC' } = query
  const sign = sortDirect === 'ASC' ? 1 : -1
  const sorted = peers.toSorted((one, other) => {
    for (const key of sortKey) {
      const order = TEXT_ORDER.compare(String(one[key] ?? ''), String(other[key] ?? ''))
      if (order !== 0) return order * sign
    }
    return 0
  })
  return pageSize === 0 ? sorted : sorted.slice(pageNum * pageSize, (pageNum + 1) * pageSize)
}
