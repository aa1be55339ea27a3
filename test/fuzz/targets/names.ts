import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { formatAuthority, parseAuthority } from '../../../dfdaemon/intercept/authority.ts'
import { matchesHost, parseHostPattern, parseInterceptedHost } from '../../../dfdaemon/intercept/host-pattern.ts'
import { compileRules, decide } from '../../../dfdaemon/intercept/rules.ts'
import { endpointOf, isLoopback } from '../../../dfdaemon/node/doctor/endpoints.ts'
import { proxyFor } from '../../../dfdaemon/node/doctor/proxy-for.ts'
import { chooseUpstream, decodePath } from '../../../dfdaemon/proxy/upstream.ts'
import { parseListenAddress } from '../../../lib/http/listen-address.ts'
import { helperServer, registryHost } from '../../../lib/origin/credentials/registry-host.ts'
import { registryAt } from '../../../lib/origin/upstreams/registry-names.ts'
import { completeImageName, parseImageReference } from '../../../protocol/image-reference.ts'
import { isRepositoryName } from '../../../protocol/registry-path.ts'
import { v1PeerOf } from '../../../supernode/api/v1-peer.ts'
import { asLatin1, asUtf8, refusing } from '../engine/expected.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'

const HOSTS = [
  'harbor.example:8443',
  '[::1]:5000',
  '127.0.0.1',
  '*.example',
  '*',
  'docker.io',
  'localhost',
  'xn--bcher-kva.example',
]
const HOST_PIECES = [
  '.',
  ':',
  '[',
  ']',
  '::',
  '*.',
  '0x',
  '127.0.0.1',
  '65535',
  'ffff',
  '%',
  '_',
  '-',
  '@',
  'docker.io',
  '::ffff:',
]

function seedsOf(...texts: readonly string[]): () => readonly Uint8Array[] {
  return () => texts.map(text => Buffer.from(text))
}

const authority = pureTarget(
  {
    name: 'authority',
    about:
      'host:port of CONNECT and Host, hosts of the configuration, listen addresses, multiaddrs, names of registries',
    maxBytes: 8192,
    dictionary: [...HOST_PIECES, '/ip4/', '/tcp/', '/dns4/', 'https://', '/v1/'],
    seeds: seedsOf(...HOSTS, '/ip4/10.0.0.1/tcp/65002', 'https://index.docker.io/v1/'),
  },
  input => {
    const text = asLatin1(input)
    const found = refusing(['REQUEST_INVALID'], () => parseAuthority(text, 443))
    if (found !== undefined) {
      assert(found.port > 0 && found.port <= 65_535)
      assert.deepEqual(parseAuthority(formatAuthority(found, 443), 443), found)
      const { hostname } = new URL(`https://${formatAuthority(found)}`)
      // What we decide on is what the resolver is asked for.
      if (isIPv4(found.host) || isIPv6(found.host)) assert.equal(hostname.replace(/^\[|\]$/g, ''), found.host)
      isLoopback(found.host)
    }
    const pattern = refusing(['CONFIG_INVALID'], () => parseHostPattern(text))
    if (pattern !== undefined && found !== undefined) matchesHost(pattern, found, [443])
    refusing(['CONFIG_INVALID'], () => parseInterceptedHost(text))
    const listen = refusing(['CONFIG_INVALID'], () => parseListenAddress(text))
    if (listen !== undefined) assert(listen.port >= 0 && listen.port <= 65_535)
    const registry = registryHost(text)
    if (registry !== undefined) {
      assert.equal(registryHost(registry), registry)
      helperServer(registry)
    }
    endpointOf(text)
    v1PeerOf({ id: 'x', addresses: [text], agent: text, linkedAt: 0 } as Parameters<typeof v1PeerOf>[0])
  },
)

const imageReference = pureTarget(
  {
    name: 'image-reference',
    about: 'images as people name them',
    maxBytes: 8192,
    dictionary: [...HOST_PIECES, ':latest', `@sha256:${'0a'.repeat(32)}`, 'library/', '/', '__'],
    seeds: seedsOf(
      'alpine',
      'docker.io/library/alpine:3.20',
      `harbor.example:8443/a/b@sha256:${'0a'.repeat(32)}`,
      'localhost/x',
    ),
  },
  input => {
    const text = asUtf8(input)
    for (const name of [text, completeImageName(text)]) {
      const found = refusing(['CONFIG_INVALID'], () => parseImageReference(name))
      if (found !== undefined) assert(isRepositoryName(found.repository) && !found.registry.includes('/'))
    }
  },
)

const RULES = { defaultUpstream: 'docker.io', upstreams: { 'r.example': {} }, registries: { allow: [], deny: [] } }

/** Lines: path, `ns`, `X-Dragonfly-Registry`. */
const upstream = pureTarget(
  {
    name: 'upstream',
    about: 'to which registry a request to the mirror goes',
    maxBytes: 8192,
    dictionary: [
      ...HOST_PIECES,
      '/v2/',
      '/manifests/latest',
      '/blobs/',
      '\n',
      'https://',
      '%2f',
      '%',
      'r.example',
      '_5000',
    ],
    seeds: seedsOf(
      '/v2/library/alpine/manifests/latest\n\n',
      '/v2/r.example/a/manifests/x\nr.example\n',
      '/v2/harbor.example_8443/a/tags/list\n\nhttps://quay.io',
    ),
  },
  input => {
    const [path = '', ns = '', header = ''] = asLatin1(input).split('\n', 3)
    const codes = ['NAME_INVALID', 'NAME_UNKNOWN', 'DIGEST_INVALID', 'MANIFEST_INVALID', 'ROUTE_UNKNOWN'] as const
    const hints = { ns: ns || undefined, registryHeader: header || undefined }
    const target = refusing(codes, () => chooseUpstream(decodePath(path), hints, RULES))
    if (target === undefined) return
    const { host, username, pathname, search } = new URL(target.baseUrl)
    assert(host !== '' && username === '' && pathname === '/' && search === '')
  },
)

const rules = compileRules([
  { regex: 'blobs/sha256', action: 'p2p' },
  { regex: '^https://old', action: 'redirect', redirect: 'new.example' },
] as Parameters<typeof compileRules>[0])

/** Lines: host, path, `NO_PROXY`. */
const decision = pureTarget(
  {
    name: 'proxy-decision',
    about: 'what the proxy does with a URL, and which proxy a program would take',
    maxBytes: 4096,
    dictionary: [...HOST_PIECES, '/v2/a/blobs/', `sha256:${'0a'.repeat(32)}`, '\n', '10.0.0.0/8', ',', 'old', '%2F'],
    seeds: seedsOf(
      'old.example\n/v2/a/manifests/x\n10.0.0.0/8,.example',
      `a.example:8443\n/v2/a/blobs/sha256:${'0a'.repeat(32)}?x\n*`,
    ),
  },
  input => {
    const [host = '', path = '', exceptions = ''] = asLatin1(input).split('\n', 3)
    const found = refusing(['REQUEST_INVALID'], () => parseAuthority(host, 443))
    if (found === undefined) return
    const origin = `https://${formatAuthority(found, 443)}`
    const decided = decide('GET', { origin, path: `/${path}` }, rules)
    assert(URL.canParse(decided.target.origin))
    proxyFor(origin, { HTTPS_PROXY: 'http://proxy:1', NO_PROXY: exceptions })
    registryAt(new URL(origin), { 'r.example': {} })
  },
)

/** Names of hosts, registries and images. */
export const NAME_TARGETS: readonly FuzzTarget[] = [authority, imageReference, upstream, decision]
