import { describe, expect, test } from 'vitest'
import { ownUserPolicy } from '../../../../../lib/origin/outbound/create-policy.ts'
import { decideAddress, decideUrl, type OutboundPolicy } from '../../../../../lib/origin/outbound/policy.ts'
import { policyOf, trialPolicy } from '../../../../helpers/outbound.ts'

const STRICT = policyOf()

/** Why a URL is refused; undefined where it is not. */
function refusal(policy: OutboundPolicy, url: string): string | undefined {
  const decision = decideUrl(policy, new URL(url))
  return decision.allowed ? undefined : decision.reason
}

/** Why an address of a host that nobody has named is refused. */
function addressRefusal(policy: OutboundPolicy, address: string, isNamed = false): string | undefined {
  const decision = decideAddress(policy, { host: 'registry.example', isNamed }, address)
  return decision.allowed ? undefined : decision.reason
}

describe('addresses', () => {
  test.each([
    ['0.0.0.0', 'an unspecified address'],
    ['0.1.2.3', 'an unspecified address'],
    ['127.0.0.1', 'a loopback address'],
    ['127.255.255.254', 'a loopback address'],
    ['10.0.0.7', 'a private address'],
    ['172.16.0.1', 'a private address'],
    ['172.31.255.255', 'a private address'],
    ['192.168.1.1', 'a private address'],
    ['100.64.0.1', 'a private address'],
    ['100.127.255.255', 'a private address'],
    ['169.254.1.1', 'a link-local address'],
    ['169.254.169.254', 'the metadata service of a cloud'],
    ['100.100.100.200', 'the metadata service of a cloud'],
    ['168.63.129.16', 'the metadata service of a cloud'],
    ['192.0.0.192', 'the metadata service of a cloud'],
    ['224.0.0.1', 'a multicast address'],
    ['239.255.255.255', 'a multicast address'],
    ['255.255.255.255', 'a broadcast address'],
    ['240.0.0.1', 'a reserved address'],
    ['192.0.0.1', 'a reserved address'],
    ['192.0.2.1', 'a reserved address'],
    ['198.18.0.1', 'a reserved address'],
    ['198.19.255.255', 'a reserved address'],
    ['198.51.100.1', 'a reserved address'],
    ['203.0.113.1', 'a reserved address'],
    ['::', 'an unspecified address'],
    ['::1', 'a loopback address'],
    ['fe80::1', 'a link-local address'],
    ['fe80::1%eth0', 'a link-local address'],
    ['fd00:ec2::254', 'the metadata service of a cloud'],
    ['fd20:ce::254', 'the metadata service of a cloud'],
    ['fc00::1', 'a private address'],
    ['fdff::1', 'a private address'],
    ['fec0::1', 'a private address'],
    ['ff02::1', 'a multicast address'],
    ['100::1', 'a reserved address'],
    ['2001::1', 'a reserved address'],
    ['2001:db8::1', 'a reserved address'],
    ['3fff::1', 'a reserved address'],
    ['4000::1', 'a reserved address'],
    ['64:ff9b:1::a00:7', 'a reserved address'],
    ['::ffff:127.0.0.1', 'a loopback address'],
    ['::ffff:a9fe:a9fe', 'the metadata service of a cloud'],
    ['::ffff:0:10.0.0.7', 'a reserved address'],
    ['::10.0.0.7', 'a reserved address'],
    ['64:ff9b::10.0.0.7', 'a private address (10.0.0.7)'],
    ['64:ff9b::169.254.169.254', 'the metadata service of a cloud (169.254.169.254)'],
    ['2002:7f00:1::', 'a loopback address (127.0.0.1)'],
  ])('%s is %s', (address, what) => {
    expect(addressRefusal(STRICT, address)).toContain(`registry.example resolves to ${address}, ${what}`)
  })

  test.each([
    '8.8.8.8',
    '99.255.255.255',
    '100.128.0.1',
    '126.255.255.255',
    '128.0.0.1',
    '172.32.0.1',
    '198.17.255.255',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00::1',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2002:808:808::1',
  ])('%s is a server on the internet', address => {
    expect(addressRefusal(STRICT, address)).toBeUndefined()
  })

  test('a refusal says which setting allows it', () => {
    expect(addressRefusal(STRICT, '10.0.0.7')).toBe(
      'registry.example resolves to 10.0.0.7, a private address: allow it with outbound.allowNetworks or name the registry under upstreams',
    )
    expect(addressRefusal(STRICT, '169.254.169.254')).toBe(
      'registry.example resolves to 169.254.169.254, the metadata service of a cloud: allow it with 169.254.169.254/32 itself in outbound.allowNetworks',
    )
    expect(addressRefusal(policyOf({ denyNetworks: ['8.8.0.0/16'] }), '8.8.8.8')).toBe(
      'registry.example resolves to 8.8.8.8, in 8.8.0.0/16 of outbound.denyNetworks',
    )
    expect(addressRefusal(ownUserPolicy(), '169.254.169.254')).toBe(
      'registry.example resolves to 169.254.169.254, the metadata service of a cloud, which is never asked',
    )
  })

  test.each([
    [['10.0.0.0/8'], '10.0.0.7', true],
    [['10.0.0.7/32'], '10.0.0.7', true],
    [['10.0.0.7/32'], '10.0.0.8', false],
    [['10.0.0.0/8'], '64:ff9b::10.0.0.7', true],
    [['64:ff9b::/96'], '64:ff9b::10.0.0.7', false],
    [['::ffff:10.0.0.0/104'], '10.0.0.7', true],
    [['224.0.0.0/4'], '224.0.0.1', true],
    [['0.0.0.0/0', '::/0'], '127.0.0.1', true],
    [['0.0.0.0/0', '::/0'], '::1', true],
    [['0.0.0.0/0', '::/0'], '169.254.1.1', false],
    [['0.0.0.0/0', '::/0'], '169.254.169.254', false],
    [['0.0.0.0/0', '::/0'], '64:ff9b::a9fe:a9fe', false],
    [['0.0.0.0/0', '::/0'], '100.100.100.200', false],
    [['0.0.0.0/0', '::/0'], 'fe80::1', false],
    [['fc00::/7'], 'fd00:ec2::254', false],
    [['100.64.0.0/10'], '100.100.100.200', false],
    [['169.254.0.0/16'], '169.254.1.1', true],
    [['169.254.0.0/16'], '169.254.169.254', false],
    [['169.254.169.254/32'], '169.254.169.254', true],
    [['fe80::/10'], 'fe80::1', true],
    [['fd00:ec2::254/128'], 'fd00:ec2::254', true],
  ])('allowNetworks %j: %s is allowed: %s', (allowNetworks, address, allowed) => {
    expect(addressRefusal(policyOf({ allowNetworks }), address) === undefined).toBe(allowed)
  })

  test('a denied network is denied whatever allows it', () => {
    const policy = policyOf({ allowNetworks: ['10.0.0.0/8'], denyNetworks: ['10.1.0.0/16', '8.0.0.0/8'] })
    expect(addressRefusal(policy, '10.2.0.1')).toBeUndefined()
    expect(addressRefusal(policy, '10.1.0.1')).toContain('outbound.denyNetworks')
    expect(addressRefusal(policy, '10.1.0.1', true)).toContain('outbound.denyNetworks')
    expect(addressRefusal(policy, '64:ff9b::8.8.8.8')).toContain('outbound.denyNetworks')
    expect(addressRefusal(trialPolicy({ denyNetworks: ['127.0.0.2/32'] }), '127.0.0.2')).toContain('denyNetworks')
  })

  test.each([
    ['127.0.0.1', true],
    ['::1', true],
    ['10.0.0.7', true],
    ['fd12::1', true],
    ['169.254.169.254', false],
    ['169.254.1.1', false],
    ['fe80::1', false],
    ['0.0.0.0', false],
    ['224.0.0.1', false],
    ['192.0.2.1', false],
  ])('on trial, and for a server that is named, %s is allowed: %s', (address, allowed) => {
    expect(addressRefusal(trialPolicy(), address) === undefined).toBe(allowed)
    expect(addressRefusal(STRICT, address, true) === undefined).toBe(allowed)
  })
})

describe('URLs', () => {
  test.each([
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://127.0.0.1./',
    'https://registry.example@127.0.0.1/',
    'https://registry.example:443@127.0.0.1:443/',
    'https://１２７。0。0。1/',
    'https://①27.0.0.1/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[0:0:0:0:0:FFFF:7F00:0001]/',
    'https://[::1]/',
    'HTTPS://127.0.0.1/',
    'https:\\\\127.0.0.1/',
  ])('%s is refused for its address', url => {
    expect(refusal(STRICT, url)).toContain('a loopback address')
  })

  test('http and unusual ports are refused, unless they are allowed', () => {
    expect(refusal(STRICT, 'https://registry.example/v2/')).toBeUndefined()
    expect(refusal(STRICT, 'https://registry.example:5000/v2/')).toBeUndefined()
    expect(refusal(STRICT, 'http://registry.example/v2/')).toBe(
      'registry.example may not be asked by http: allow it with outbound.schemes, or give the registry its URL under upstreams',
    )
    expect(refusal(STRICT, 'https://registry.example:22/')).toBe(
      'registry.example may not be asked at port 22: allow it with outbound.allowPorts, or name the registry under upstreams',
    )
    const wider = policyOf({ schemes: ['http', 'https'], allowPorts: [443, '8000-8999'] })
    expect(refusal(wider, 'http://registry.example:8080/')).toBeUndefined()
    expect(refusal(wider, 'http://registry.example/')).toContain('port 80')
    expect(refusal(wider, 'http://registry.example:9000/')).toContain('port 9000')
    expect(refusal(trialPolicy(), 'http://127.0.0.1:41234/')).toBeUndefined()
  })

  test.each([
    [{ denyHosts: ['evil.example'] }, 'https://evil.example/', false],
    [{ denyHosts: ['evil.example'] }, 'https://EVIL.example./', false],
    [{ denyHosts: ['evil.example'] }, 'https://evil.example:8443/', false],
    [{ denyHosts: ['*.evil.example'] }, 'https://a.b.evil.example/', false],
    [{ denyHosts: ['Bücher.example'] }, 'https://xn--bcher-kva.example/', false],
    [{ denyHosts: ['evil.example:8443'] }, 'https://evil.example/', true],
    [{ denyHosts: ['*'] }, 'https://[2606:4700::1111]/', false],
    [{ denyHosts: ['[2606:4700::1111]'] }, 'https://[2606:4700::1111]/', false],
    [{ allowHosts: ['good.example'] }, 'https://good.example/', true],
    [{ allowHosts: ['good.example'] }, 'https://other.example/', false],
    [{ allowHosts: ['good.example'] }, 'https://good.example.evil.example/', false],
    [{ allowHosts: ['good.example:443'] }, 'https://good.example:8443/', false],
    [{ allowHosts: ['*.example'], denyHosts: ['b.example'] }, 'https://a.example/', true],
    [{ allowHosts: ['*.example'], denyHosts: ['b.example'] }, 'https://b.example/', false],
    [{ allowHosts: ['10.0.0.7'] }, 'https://10.0.0.7/', false],
  ])('%j: %s is allowed: %s', (written, url, allowed) => {
    expect(refusal(policyOf(written), url) === undefined).toBe(allowed)
  })
})

describe('what an operator names', () => {
  const upstreams = {
    'harbor.internal': {},
    'plain.internal': {
      url: 'http://10.0.0.7:8082',
      mirrors: [{ url: 'http://mirror.internal:9000/v2/hub' }],
    },
  }
  const policy = policyOf({ allowHosts: ['none.example'] }, { upstreams, defaultUpstream: 'localhost:5001' })

  test.each([
    'https://harbor.internal/v2/',
    'http://10.0.0.7:8082/v2/',
    'https://10.0.0.7:8082/v2/',
    'http://mirror.internal:9000/v2/hub/a',
    'http://localhost:5001/v2/',
  ])('%s may be asked', url => expect(refusal(policy, url)).toBeUndefined())

  test.each([
    ['http://harbor.internal/v2/', 'by http'],
    ['http://harbor.internal:443/v2/', 'by http'],
    ['https://harbor.internal:8443/', 'allowHosts'],
    ['https://harbor.internal:22/', 'port 22'],
    ['https://10.0.0.7/', 'allowHosts'],
    ['https://10.0.0.7:8083/', 'port 8083'],
    ['http://10.0.0.8:8082/', 'by http'],
    ['https://localhost:5000/', 'allowHosts'],
  ])('%s is another server: %s', (url, why) => expect(refusal(policy, url)).toContain(why))

  test('may still be denied', () => {
    const denying = policyOf({ denyHosts: ['harbor.internal'] }, { upstreams })
    expect(refusal(denying, 'https://harbor.internal/')).toBe('harbor.internal is denied by outbound.denyHosts')
  })
})

test.each([
  [{ allowNetworks: ['10.0.0.0'] }, 'outbound.allowNetworks: "10.0.0.0" is not a network'],
  [{ allowNetworks: ['10.0.0.0/33'] }, 'outbound.allowNetworks: "10.0.0.0/33"'],
  [{ denyNetworks: ['0x7f.1/8'] }, 'outbound.denyNetworks: "0x7f.1/8"'],
  [{ denyNetworks: ['fe80::1%eth0/64'] }, 'outbound.denyNetworks'],
  [{ denyHosts: ['https://evil.example'] }, 'outbound.denyHosts: "https://evil.example" is not a host'],
  [{ allowHosts: [''] }, 'outbound.allowHosts'],
  [{ allowPorts: ['9000-8000'] }, 'outbound.allowPorts: "9000-8000"'],
  [{ allowPorts: ['70000'] }, 'outbound.allowPorts: "70000"'],
])('settings that mean nothing are refused: %j', (written, message) => {
  expect(() => policyOf(written)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  expect(() => policyOf(written)).toThrow(message)
})
