import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pageOfPeers } from '../../../../supernode/api/peer-page.ts'

const at = (second: number) => new Date(second * 1000).toISOString()
const PEERS = [
  { ID: 'c', IP: '10.0.0.10', hostName: 'z', port: 900, version: '0.9.0', created: at(1) },
  { ID: 'a', IP: '10.0.0.9', hostName: 'y', port: 8000, version: '0.10.0', created: at(3) },
  { ID: 'b', IP: '10.0.0.9', hostName: 'x', port: 8000, version: '0.9.0', created: at(2) },
  { ID: 'd', created: at(4) },
]
const order = (query: Parameters<typeof pageOfPeers>[1]) =>
  pageOfPeers(PEERS, query)
    .map(({ ID }) => ID)
    .join('')

test.for<[Parameters<typeof pageOfPeers>[1], string]>([
  [{}, 'cbad'],
  [{ sortDirect: 'DESC' }, 'dabc'],
  [{ sortKey: ['ID'] }, 'abcd'],
  [{ sortKey: ['IP'] }, 'dabc'],
  [{ sortKey: ['IP', 'hostName'] }, 'dbac'],
  [{ sortKey: ['port'], sortDirect: 'DESC' }, 'abcd'],
  [{ sortKey: ['version', 'ID'] }, 'dbca'],
  [{ sortKey: [] }, 'cabd'],
  [{ pageSize: 3 }, 'cba'],
  [{ pageSize: 3, pageNum: 1 }, 'd'],
  [{ pageSize: 3, pageNum: 2 }, ''],
  [{ pageSize: 1_000_000, pageNum: 1_000_000 }, ''],
  [{ pageSize: 0, pageNum: 7 }, 'cbad'],
])('%j gives %s', ([query, expected]) => {
  expect(order(query)).toBe(expected)
})

test('the pages together are all peers, each once', () => {
  const peers = fc
    .uniqueArray(fc.nat(200), { maxLength: 60 })
    .map(ids => ids.map(id => ({ ID: `${id}`, created: at(id % 7) })))
  fc.assert(
    fc.property(peers, fc.integer({ min: 1, max: 20 }), fc.constantFrom('ASC', 'DESC'), (all, pageSize, sortDirect) => {
      const pages = Array.from({ length: Math.ceil(all.length / pageSize) }, (_, pageNum) =>
        pageOfPeers(all, { pageNum, pageSize, sortDirect }),
      )
      expect(pages.flat()).toEqual(pageOfPeers(all, { sortDirect }))
    }),
  )
})
