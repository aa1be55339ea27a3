import { describe, expect, test } from 'vitest'
import { checkLoopbackOnly, isLoopbackHost, isLoopbackMultiaddr } from '../../../../lib/config/loopback-only.ts'

test.each([
  ['127.0.0.1', true],
  ['127.9.8.7', true],
  ['::1', true],
  ['[::1]', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['128.0.0.1', false],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
  ['', false],
])('host %s is of the loopback: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected)
})

test.each([
  ['/ip4/127.0.0.1/tcp/0', true],
  ['/ip6/::1/tcp/0', true],
  ['/ip4/0.0.0.0/tcp/0', false],
  ['/ip6/::/tcp/0', false],
  ['/dns4/localhost/tcp/0', false],
  ['', false],
])('multiaddr %s is of the loopback: %s', (address, expected) => {
  expect(isLoopbackMultiaddr(address)).toBe(expected)
})

describe('what has no protection', () => {
  const check = (addresses: Parameters<typeof checkLoopbackOnly>[0]) => () => checkLoopbackOnly(addresses, 'because')

  test('may be on the loopback', () => {
    const addresses = {
      listen: { 'http.listen': '127.0.0.1:0', other: '[::1]:8002' },
      multiaddrs: { 'p2p.listen': ['/ip4/127.0.0.1/tcp/0'] },
      urls: { supernode: 'http://localhost:8002' },
    }
    expect(check(addresses)).not.toThrow()
  })

  test.each([
    [{ listen: { 'http.listen': '0.0.0.0:8002' } }, 'http.listen is 0.0.0.0:8002'],
    [{ listen: { 'http.listen': '[::]:8002' } }, 'http.listen is [::]:8002'],
    [
      { multiaddrs: { 'p2p.announce': ['/ip4/127.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/1'] } },
      'p2p.announce is /ip4/10.0.0.1',
    ],
    [{ urls: { supernode: 'http://supernode:8002' } }, 'supernode is http://supernode:8002'],
    [{ urls: { supernode: 'http://127.0.0.1@10.0.0.1' } }, 'supernode is http://127.0.0.1@10.0.0.1'],
  ])('may not be elsewhere: %o', (addresses, message) => {
    expect(check(addresses)).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID', detail: expect.stringContaining(message) }),
    )
  })
})
