import { expect, test } from 'vitest'
import type { InterceptRule } from '../../../../dfdaemon/intercept/config.ts'
import { compileRules, decide } from '../../../../dfdaemon/intercept/rules.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const BLOB = `/v2/library/demo/blobs/${DIGEST}`

function decided(url: string, rules: InterceptRule[], method = 'GET') {
  const [, origin = '', path = ''] = /^(https?:\/\/[^/]+)(.*)$/.exec(url) ?? []
  const { via, target, withCredentials, digest } = decide(method, { origin, path }, compileRules(rules))
  return { via, url: `${target.origin}${target.path}`, withCredentials, digest }
}

test.each([
  ['GET', BLOB, 'swarm'],
  ['GET', `${BLOB}?ns=x`, 'swarm'],
  ['GET', `/v2/library/demo/blobs/sha256%3A${'a'.repeat(64)}`, 'swarm'],
  ['HEAD', BLOB, 'direct'],
  ['DELETE', BLOB, 'direct'],
  ['GET', '/v2/library/demo/manifests/v1', 'direct'],
  ['GET', `/v2/library/demo/manifests/${DIGEST}`, 'direct'],
  ['GET', `/v2/library/../demo/blobs/${DIGEST}`, 'direct'],
  ['GET', '/v2/library/demo/blobs/sha256:short', 'direct'],
  ['GET', '/v2/%ZZ/blobs/x', 'direct'],
  ['POST', '/v2/library/demo/blobs/uploads/', 'direct'],
  ['GET', '/v2/', 'direct'],
  ['GET', '/file.iso', 'direct'],
  ['GET', `/other${BLOB}`, 'direct'],
])('without rules %s %s goes %s', (method, path, via) => {
  const url = `https://harbor.example${path}`
  expect(decided(url, [], method)).toMatchObject({ via, url, withCredentials: true })
})

const RULES: InterceptRule[] = [
  { regex: '\\.iso$', action: 'p2p' },
  { regex: '^https://private\\.example/', action: 'direct' },
  { regex: '^https?://hub\\.example/', action: 'redirect', redirect: 'harbor.example:8443' },
  {
    regex: '^http://plain\\.example/',
    action: 'redirect',
    redirect: 'https://plain.example',
    forwardCredentials: true,
  },
  { regex: '.*\\.example/file', action: 'direct' },
]

test.each([
  ['https://files.example/big.iso', 'swarm', 'https://files.example/big.iso', true],
  ['https://private.example/big.iso', 'swarm', 'https://private.example/big.iso', true],
  [`https://private.example${BLOB}`, 'direct', `https://private.example${BLOB}`, true],
  [`https://hub.example${BLOB}`, 'swarm', `https://harbor.example:8443${BLOB}`, false],
  ['http://hub.example/file?x=1', 'direct', 'http://harbor.example:8443/file?x=1', false],
  ['http://plain.example/file', 'direct', 'https://plain.example/file', true],
  ['https://files.example/file', 'direct', 'https://files.example/file', true],
])('%s goes %s to %s', (url, via, to, withCredentials) => {
  expect(decided(url, RULES)).toMatchObject({ via, url: to, withCredentials })
})

test('only GET goes through the swarm, whatever a rule says', () => {
  expect(decided('https://files.example/big.iso', RULES, 'PUT').via).toBe('direct')
})

test('a blob keeps its digest, a file has none', () => {
  expect(decided(`https://harbor.example${BLOB}`, []).digest).toBe(DIGEST)
  expect(decided('https://files.example/big.iso', RULES).digest).toBeUndefined()
})

test.each<[InterceptRule, string]>([
  [{ regex: '(', action: 'p2p' }, 'Invalid regular expression'],
  [{ regex: 'x', action: 'redirect' }, 'names the other server'],
  [{ regex: 'x', action: 'p2p', redirect: 'a.example' }, 'only then'],
  [{ regex: 'x', action: 'redirect', redirect: 'a.example:99999' }, 'expected host:port'],
])('%j is refused with the number of the rule', (rule, why) => {
  const good: InterceptRule = { regex: 'x', action: 'direct' }
  expect(() => compileRules([good, rule])).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  expect(() => compileRules([good, rule])).toThrow('intercept.rules.1')
  expect(() => compileRules([good, rule])).toThrow(why)
})
