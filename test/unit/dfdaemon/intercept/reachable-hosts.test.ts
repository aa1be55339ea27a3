import { expect, test } from 'vitest'
import { parseAuthority } from '../../../../dfdaemon/intercept/authority.ts'
import { parseHostPattern } from '../../../../dfdaemon/intercept/host-pattern.ts'
import { createReachableHosts } from '../../../../dfdaemon/intercept/reachable-hosts.ts'

const hosts = createReachableHosts({
  hosts: ['harbor.example', 'registry.lan:5000', '*.apps.example', '[2001:db8::1]:8443'],
  connect: { allow: ['proxy.example', 'git.example:22', '*.mirror.example'], ports: [443, 8443] },
})

test.each([
  ['harbor.example:443', 'intercept'],
  ['harbor.example:8443', 'intercept'],
  ['harbor.example:5000', 'refuse'],
  ['evil-harbor.example:443', 'refuse'],
  ['harbor.example.evil:443', 'refuse'],
  ['sub.harbor.example:443', 'refuse'],
  ['registry.lan:5000', 'intercept'],
  ['registry.lan:443', 'refuse'],
  ['a.apps.example:443', 'intercept'],
  ['a.b.apps.example:443', 'intercept'],
  ['apps.example:443', 'refuse'],
  ['evilapps.example:443', 'refuse'],
  ['[2001:db8:0::1]:8443', 'intercept'],
  ['[2001:db8::1]:443', 'refuse'],
  ['proxy.example:443', 'tunnel'],
  ['git.example:22', 'tunnel'],
  ['git.example:443', 'refuse'],
  ['x.mirror.example:443', 'tunnel'],
  ['127.0.0.1:443', 'refuse'],
  ['169.254.169.254:443', 'refuse'],
])('CONNECT %s: %s', (authority, expected) => {
  expect(hosts.connect(parseAuthority(authority))).toBe(expected)
})

test.each([
  ['harbor.example:80', true],
  ['harbor.example:443', true],
  ['harbor.example:81', false],
  ['registry.lan:5000', true],
  ['registry.lan:80', false],
  ['proxy.example:80', true],
  ['other.example:80', false],
])('plain http to %s is allowed: %s', (authority, expected) => {
  expect(hosts.allowsPlain(parseAuthority(authority))).toBe(expected)
})

test('by default nothing is reached', () => {
  const none = createReachableHosts({ hosts: [], connect: { allow: [], ports: [443] } })
  expect(none.connect(parseAuthority('harbor.example:443'))).toBe('refuse')
  expect(none.allowsPlain(parseAuthority('harbor.example:80'))).toBe(false)
})

test('a star allows every host, at the allowed ports', () => {
  const all = createReachableHosts({ hosts: ['harbor.example'], connect: { allow: ['*', '*:22'], ports: [443] } })
  expect(all.connect(parseAuthority('any.example:443'))).toBe('tunnel')
  expect(all.connect(parseAuthority('any.example:22'))).toBe('tunnel')
  expect(all.connect(parseAuthority('any.example:25'))).toBe('refuse')
  expect(all.connect(parseAuthority('harbor.example:443'))).toBe('intercept')
})

test.each(['', '*.', '**', '*x.example', 'a.*.example', '*.10.0.0.1', 'http://a.example', 'a.example:0', 'a b'])(
  '%j is no host',
  text => {
    expect(() => parseHostPattern(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  },
)

test('not every host can be intercepted', () => {
  expect(() => createReachableHosts({ hosts: ['*'], connect: { allow: [], ports: [443] } })).toThrow('name the hosts')
})
