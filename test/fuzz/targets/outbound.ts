import assert from 'node:assert/strict'
import { BlockList, isIP, isIPv4 } from 'node:net'
import { Value } from 'typebox/value'
import { bodyOf } from '../../../lib/origin/bounded-body.ts'
import { readHelperAnswer } from '../../../lib/origin/credentials/credential-helper.ts'
import { classesOf } from '../../../lib/origin/outbound/address-class.ts'
import { OutboundConfig } from '../../../lib/origin/outbound/config.ts'
import { createOutboundPolicy } from '../../../lib/origin/outbound/create-policy.ts'
import { isListed, parseHostPatterns, placeOf, withoutBrackets } from '../../../lib/origin/outbound/host-list.ts'
import { contains, liesWithin, meaningsOf, parseNetwork } from '../../../lib/origin/outbound/network.ts'
import { decideAddress, decideUrl, type OutboundPolicy } from '../../../lib/origin/outbound/policy.ts'
import { requestToken } from '../../../lib/origin/token-service.ts'
import { bearerChallenge } from '../../../protocol/challenge.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { asLatin1, asUtf8, refusing } from '../engine/expected.ts'
import { jsonBytes, mutateJson } from '../engine/structure.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'

const defaults = Value.Default(OutboundConfig, {}) as OutboundConfig
const strict = policyOf({})

function policyOf(given: Partial<OutboundConfig>): OutboundPolicy {
  return createOutboundPolicy({ ...defaults, ...given }, { trial: false, upstreams: {} })
}

/** Networks that nobody may reach without a setting, as Node's own list has them: beside ours, it is another opinion. */
const closed = new BlockList()
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['0.0.0.0', 8],
] as const) {
  closed.addSubnet(network, bits, 'ipv4')
}
for (const [network, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  closed.addSubnet(network, bits, 'ipv6')
}

const address = pureTarget(
  {
    name: 'outbound-address',
    about: 'addresses that names stand for, against the outbound policy',
    maxBytes: 128,
    dictionary: [
      '::ffff:',
      '64:ff9b::',
      '2002:',
      '::',
      '127.0.0.1',
      '169.254.169.254',
      '%eth0',
      'fd00:ec2::254',
      '.',
      ':',
      '0',
    ],
    seeds: () =>
      [
        '127.0.0.1',
        '::ffff:10.0.0.1',
        '64:ff9b::a9fe:a9fe',
        '2002:7f00:1::',
        'fe80::1%eth0',
        '8.8.8.8',
        '2606:4700::1111',
        '::ffff:0:7f00:1',
        '::7f00:1',
      ].map(text => Buffer.from(text)),
  },
  input => {
    const text = asLatin1(input)
    if (isIP(text) === 0) return
    const meanings = meaningsOf(text)
    for (const meaning of meanings) {
      assert(meaning.length === 4 || meaning.length === 16)
      assert(meaning.every(byte => Number.isInteger(byte) && byte >= 0 && byte <= 255))
    }
    const isAllowed = decideAddress(strict, { host: 'h.example', isNamed: false }, text).allowed
    assert.equal(
      isAllowed,
      meanings.every(meaning => classesOf(meaning).length === 0),
    )
    const plain = text.replace(/%.*$/, '')
    if (isAllowed) assert(!closed.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6'), `${text} is reached`)
    // What is denied stays so, whoever names it.
    const denying = policyOf({ denyNetworks: ['0.0.0.0/0', '::/0'], allowNetworks: ['0.0.0.0/0', '::/0'] })
    assert(!decideAddress(denying, { host: 'h.example', isNamed: true }, text).allowed)
  },
)

/** Lines: a network, a pattern of hosts, ports, an upstream, a URL. */
const settings = pureTarget(
  {
    name: 'outbound-settings',
    about: 'networks, hosts and ports of outbound settings, and URLs against them',
    maxBytes: 1024,
    dictionary: [
      '/8',
      '/32',
      '/129',
      '::',
      '::ffff:',
      '*',
      '*.',
      ':5000',
      '-',
      '\n',
      '[',
      ']',
      '.',
      'xn--',
      'é',
      'http://',
      'https://',
      '@',
      '0x7f.1',
      '%',
    ],
    seeds: () =>
      [
        '10.0.0.0/8\n*.example\n8000-8999\nhttps://r.example:5000\nhttps://a.example:8080/x',
        '::ffff:10.0.0.0/104\nr.example:5000\n443\nhttp://10.0.0.7\nhttp://[::ffff:10.0.0.1]/',
        'fd00::/8\n[fd00::*]\n1-65535\nhttps://[::1]:5000\nhttps://2130706433/',
        '169.254.169.254/32\nbücher.example\n80\nhttps://x\nhttps://r.example./v2/',
      ].map(text => Buffer.from(text)),
  },
  input => {
    const [network = '', host = '', ports = '', upstream = '', text = ''] = asUtf8(input).split('\n', 5)
    const parsed = refusing(['CONFIG_INVALID'], () => parseNetwork(network, 'n'))
    if (parsed !== undefined) {
      assert(liesWithin(parsed, parsed) && contains(parsed, parsed.bytes))
      assert(parsed.bits <= parsed.bytes.length * 8)
    }
    const patterns = refusing(['CONFIG_INVALID'], () => parseHostPatterns([host], 'h')) ?? []
    const url = URL.parse(text)
    const isWeb = url !== null && /^https?:$/.test(url.protocol)
    if (isWeb) isListed(placeOf(url), patterns)
    const upstreams = URL.canParse(upstream) ? { 'r.example': { url: upstream } } : {}
    const given = { allowNetworks: [network], denyHosts: [host], allowPorts: [ports] }
    const policy = refusing(['CONFIG_INVALID'], () =>
      createOutboundPolicy({ ...defaults, ...given }, { trial: false, upstreams: upstreams as never }),
    )
    if (!isWeb) return
    const { hostname } = url
    const isAllowed = decideUrl(strict, url).allowed
    const host6 = withoutBrackets(hostname)
    if (isAllowed && isIP(host6) !== 0)
      assert(!closed.check(host6, isIPv4(host6) ? 'ipv4' : 'ipv6'), `${text} is reached`)
    if (policy === undefined) return
    const isDenied = isListed(placeOf(url), policy.denyHosts)
    if (decideUrl(policy, url).allowed) assert(!isDenied)
  },
)

/** Two lines, a challenge and the status, and then the body. */
const tokenService = pureTarget(
  {
    name: 'token-service',
    about: 'answers of token services, and challenges that name them',
    maxBytes: 4096,
    dictionary: [
      '"token":',
      '"access_token":',
      '"expires_in":',
      '1e308',
      '-1',
      '0',
      '""',
      '\n',
      '\r',
      'realm="',
      'scope="a b"',
      '401',
      '405',
      '200',
    ],
    seeds: () => [
      Buffer.from(
        'Bearer realm="https://a.example/token",service="r",scope="a b"\n200\n{"token":"abc","expires_in":300}',
      ),
      Buffer.from('Bearer realm="https://a.example/token"\n200\n{"access_token":"abc","issued_at":"x"}'),
      Buffer.from('Bearer realm="https://a.example/token?x=1"\n401\n{"errors":[]}'),
      Buffer.from('Bearer realm="https://a.example/token"\n405\nno'),
    ],
    mutate: (random, input) => {
      const [challenge = '', status = '', ...body] = asUtf8(input).split('\n')
      const changed = mutateJson(random, Buffer.from(body.join('\n')))
      return changed && Buffer.concat([Buffer.from(`${challenge}\n${status}\n`), changed])
    },
  },
  async input => {
    const [head = '', status = '', ...rest] = asLatin1(input).split('\n')
    const challenge = bearerChallenge(head)
    const realm = challenge && URL.parse(challenge.realm)
    if (challenge === undefined || !realm) return
    const body = Buffer.from(rest.join('\n'), 'latin1')
    const answer = { status: Number.parseInt(status, 10) || 200, headers: { 'retry-after': head } }
    const transport = { send: async () => ({ ...answer, body: bodyOf(body) }), stop: async () => {} }
    const accounts = [undefined, { username: 'u', password: 'secret' }, { identityToken: 'secret' }]
    for (const credentials of accounts) {
      const got = await requestToken({ transport, clock: createManualClock() }, { realm, challenge, credentials })
      if ('token' in got) {
        assert.match(got.token.value, /^[\x21-\x7e]+$/)
        assert(Number.isFinite(got.token.expiresAt) && got.token.expiresAt > 0, `until ${got.token.expiresAt}`)
      } else got.refusal.body.destroy()
    }
  },
)

const helper = pureTarget(
  {
    name: 'credential-helper',
    about: 'what a credential helper prints',
    maxBytes: 4096,
    dictionary: ['"Username":', '"Secret":', '"<token>"', 'credentials not found', '{', '}', '\n'],
    seeds: () => [
      jsonBytes({ ServerURL: 'r.example', Username: 'u', Secret: 's' }),
      jsonBytes({ Username: '<token>', Secret: 's' }),
      Buffer.from('credentials not found in native keychain\n'),
    ],
    mutate: mutateJson,
  },
  input => {
    const output = asUtf8(input)
    for (const code of [0, 1, null]) {
      const account = refusing(['PROGRAM_FAILED'], () => readHelperAnswer('docker-credential-x', { code, output }))
      if (account !== undefined) assert.equal(code, 0)
    }
  },
)

/** Whom programs ask on behalf of others, and what those who know secrets answer. */
export const OUTBOUND_TARGETS: readonly FuzzTarget[] = [address, settings, tokenService, helper]
