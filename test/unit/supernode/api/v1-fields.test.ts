import { describe, expect, test } from 'vitest'
import { v1PeerOf } from '../../../../supernode/api/v1-peer.ts'
import { withoutV1Prefix } from '../../../../supernode/api/v1-prefix.ts'
import { v1TaskOf } from '../../../../supernode/api/v1-task.ts'

const ID = '12D3KooWPeer'
const created = '2026-01-02T03:04:05.678Z'
const peer = (addresses: string[], agent = 'damselfly/1.2.3') =>
  v1PeerOf({ id: ID, addresses, agent, linkedAt: Date.parse(created) })

describe('a peer for v1', () => {
  test.for<[string, string[], object]>([
    ['IPv4', ['/ip4/10.0.0.7/tcp/65002'], { IP: '10.0.0.7', hostName: '10.0.0.7', port: 65002 }],
    ['IPv6', ['/ip6/fd00::7/tcp/65002/p2p/x'], { IP: 'fd00::7', hostName: 'fd00::7', port: 65002 }],
    ['IPv4 before IPv6', ['/ip6/::1/tcp/1', '/ip4/10.0.0.7/tcp/2'], { IP: '10.0.0.7', hostName: '10.0.0.7', port: 2 }],
    ['a name', ['/dns4/node-7.example/tcp/65002'], { hostName: 'node-7.example', port: 65002 }],
    ['a name and an IP', ['/dns/n/tcp/1', '/ip4/10.0.0.7/tcp/2'], { IP: '10.0.0.7', hostName: 'n', port: 2 }],
    ['nothing', [], {}],
    ['no TCP', ['/ip4/10.0.0.7/udp/4001/quic-v1'], {}],
    ['no port', ['/ip4/10.0.0.7/tcp/99999', '/ip4/10.0.0.7/tcp/', '/ip4/10.0.0.7'], {}],
    ['no multiaddr', ['10.0.0.7:65002', '', '/'], {}],
  ])('has where it is from %s', ([, addresses, expected]) => {
    expect(peer(addresses)).toEqual({ ID, version: '1.2.3', created, ...expected })
  })

  test.for([['damselfly'], [''], ['damselfly/'], ['damselfly//1']])(
    'has no version where its program "%s" says none',
    ([agent]) => {
      expect(peer([], agent)).toEqual({ ID, created })
    },
  )
})

describe('a task for v1', () => {
  const task = { id: 'sha256:a', blockSizeBytes: 256 }

  test.for([
    ['idle', 'WAITING'],
    ['reading', 'RUNNING'],
    ['complete', 'SUCCESS'],
    ['failed', 'FAILED'],
  ] as const)('%s is %s', ([state, cdnStatus]) => {
    expect(v1TaskOf({ ...task, state, sizeBytes: null })).toEqual({ ID: 'sha256:a', pieceSize: 256, cdnStatus })
  })

  test.for([
    [0, 0],
    [1, 1],
    [256, 1],
    [257, 2],
  ])('of %d bytes has %d pieces', ([sizeBytes = 0, pieceTotal]) => {
    const lengths = { fileLength: sizeBytes, httpFileLength: sizeBytes, pieceTotal }
    expect(v1TaskOf({ ...task, state: 'complete', sizeBytes })).toMatchObject(lengths)
  })
})

test.for([
  ['/v1.0.6/version', '/version'],
  ['/v1/api/v1/tasks/v2/x?a=/v3/', '/api/v1/tasks/v2/x?a=/v3/'],
  ['/v1.0.6', '/v1.0.6'],
  ['/v/version', '/v/version'],
  ['/v./version', '/v./version'],
  ['/version', '/version'],
  ['/api/v1/peers', '/api/v1/peers'],
  ['/v1/preheats', '/v1/preheats'],
  ['/v1/preheats?x=/v2/', '/v1/preheats?x=/v2/'],
  ['/v1/preheats/7/events', '/v1/preheats/7/events'],
  ['/v1/preheatsandmore', '/preheatsandmore'],
  ['/v1.0.6/preheats', '/preheats'],
  ['/v1.0.6/preheats/7', '/preheats/7'],
  ['/preheats/7', '/preheats/7'],
  ['/api/v1/preheats', '/api/v1/preheats'],
  ['/v1/api/v1/preheats', '/api/v1/preheats'],
])('%s is looked for at %s', ([url = '', expected]) => {
  expect(withoutV1Prefix(url)).toBe(expected)
})
