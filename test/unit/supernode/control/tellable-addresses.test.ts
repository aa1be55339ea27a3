import { expect, test } from 'vitest'
import { tellableAddresses } from '../../../../supernode/control/tellable-addresses.ts'

const ELSEWHERE = '/ip4/10.0.0.7/tcp/40000'
const HERE = ['/ip4/127.0.0.1/tcp/40000', '/ip6/::1/tcp/40000']

const ANYWHERE = [
  '/ip4/10.0.0.7/tcp/4001',
  '/ip4/203.0.113.9/tcp/4001',
  '/ip6/fd00::7/tcp/4001',
  '/ip6/2a00::7/tcp/4001',
  '/dns4/node-7.example/tcp/4001',
  '/dns/node-7/tcp/4001',
]
const NOWHERE = [
  '/ip4/169.254.169.254/tcp/80',
  '/ip4/169.254.7.7/tcp/4001',
  '/ip4/100.100.100.200/tcp/80',
  '/ip6/fe80::1/tcp/4001',
  '/ip6/fd00:ec2::254/tcp/80',
  '/ip6/::ffff:169.254.169.254/tcp/80',
  '/ip6/64:ff9b::a9fe:a9fe/tcp/80',
  '/ip6zone/eth0/ip6/fe80::1/tcp/4001',
  '/ip4/10.0.0.7/tcp/4001/p2p/12D3KooWAyoyrND3gfM8awKVPE93q9MFbRJBuGtx7k7j7uYgGmbM/p2p-circuit',
  '/ip4/10.0.0.7/udp/4001/quic-v1',
  '/ip4/node-7/tcp/4001',
  '/dnsaddr/node-7.example',
  '/unix/var/run/docker.sock',
  '10.0.0.7:4001',
  '',
]
const OF_THE_MACHINE = [
  '/ip4/127.0.0.1/tcp/8002',
  '/ip4/0.0.0.0/tcp/8002',
  '/ip6/::1/tcp/8002',
  '/ip6/::/tcp/8002',
  '/ip6/::ffff:127.0.0.1/tcp/8002',
  '/dns4/localhost/tcp/8002',
]

test('of what a peer of the network announces, peers are told what leads neither to their own machine nor to a metadata service', () => {
  expect(tellableAddresses([...NOWHERE, ...OF_THE_MACHINE, ...ANYWHERE], ELSEWHERE)).toEqual(ANYWHERE)
})

test.each(HERE)('a peer at %s may be on the loopback, and nowhere else either', from => {
  const all = [...OF_THE_MACHINE, ...ANYWHERE]
  expect(tellableAddresses([...NOWHERE, ...all], from)).toEqual(all)
})
