import { describe, expect, test } from 'vitest'
import { upstreamUrl } from '../../../dfdaemon/proxy/pass-through.ts'
import { chooseUpstream, withRegistryBehind } from '../../../dfdaemon/proxy/upstream.ts'

const digest = `sha256:${'a'.repeat(64)}`
const rules = {
  defaultUpstream: 'docker.io',
  upstreams: {
    'harbor.example:8443': { url: 'https://10.0.0.1:8443/' },
    'plain.example': { url: 'http://plain:5000' },
    'harbor:8443': { url: 'https://harbor:8443' },
  },
  registries: { allow: [], deny: [] },
}

type Row = [path: string, ns: string | undefined, registry: string, baseUrl: string, name: string, prefix: string]

const ROWS: Row[] = [
  ['/v2/library/nginx/manifests/1', undefined, 'docker.io', 'https://registry-1.docker.io', 'library/nginx', ''],
  ['/v2/library/nginx/manifests/1', 'docker.io', 'docker.io', 'https://registry-1.docker.io', 'library/nginx', ''],
  ['/v2/a/manifests/1', 'ghcr.io', 'ghcr.io', 'https://ghcr.io', 'a', ''],
  ['/v2/a/manifests/1', 'harbor.example:8443', 'harbor.example:8443', 'https://10.0.0.1:8443', 'a', ''],
  ['/v2/a/manifests/1', 'plain.example', 'plain.example', 'http://plain:5000', 'a', ''],
  ['/v2/a/manifests/1', 'localhost:5000', 'localhost:5000', 'http://localhost:5000', 'a', ''],
  ['/v2/a/manifests/1', '127.0.0.1:5000', '127.0.0.1:5000', 'http://127.0.0.1:5000', 'a', ''],
  ['/v2/a/manifests/1', '[::1]:5000', '[::1]:5000', 'http://[::1]:5000', 'a', ''],
  ['/v2/a/manifests/1', '10.0.0.9:5000', '10.0.0.9:5000', 'https://10.0.0.9:5000', 'a', ''],
  ['/v2/ghcr.io/owner/app/manifests/1', undefined, 'ghcr.io', 'https://ghcr.io', 'owner/app', '/ghcr.io'],
  [
    '/v2/localhost:5000/app/manifests/1',
    undefined,
    'localhost:5000',
    'http://localhost:5000',
    'app',
    '/localhost:5000',
  ],
  ['/v2/localhost/app/manifests/1', undefined, 'localhost', 'http://localhost', 'app', '/localhost'],
  [
    '/v2/harbor.example:8443/p/a/manifests/1',
    undefined,
    'harbor.example:8443',
    'https://10.0.0.1:8443',
    'p/a',
    '/harbor.example:8443',
  ],
  // A port as podman's location can have it.
  [
    '/v2/harbor.example_8443/p/a/manifests/1',
    undefined,
    'harbor.example:8443',
    'https://10.0.0.1:8443',
    'p/a',
    '/harbor.example_8443',
  ],
  [
    '/v2/localhost_5000/app/manifests/1',
    undefined,
    'localhost:5000',
    'http://localhost:5000',
    'app',
    '/localhost_5000',
  ],
  ['/v2/harbor_8443/app/manifests/1', undefined, 'harbor:8443', 'https://harbor:8443', 'app', '/harbor_8443'],
  ['/v2/team_5000/app/manifests/1', undefined, 'docker.io', 'https://registry-1.docker.io', 'team_5000/app', ''],
  // With ns, what looks like a registry is a part of the repository name.
  ['/v2/my.project/app/manifests/1', 'ghcr.io', 'ghcr.io', 'https://ghcr.io', 'my.project/app', ''],
  // A repository name of one component with a dot: there is no repository behind it.
  ['/v2/my.app/manifests/1', undefined, 'docker.io', 'https://registry-1.docker.io', 'my.app', ''],
  ['/v2/library/blobs/manifests/1', undefined, 'docker.io', 'https://registry-1.docker.io', 'library/blobs', ''],
  // A key that every object has is no registry of the configuration.
  ['/v2/a/manifests/1', 'constructor', 'constructor', 'https://constructor', 'a', ''],
]

describe('the upstream of a request', () => {
  test.for(ROWS)('%s with ns %s is %s', ([path, ns, registry, baseUrl, name, prefix]) => {
    expect(chooseUpstream(path, { ns }, rules)).toEqual({
      p2p: true,
      registry,
      baseUrl,
      prefix,
      path: { kind: 'manifest', name, reference: '1' },
    })
  })

  test.for([
    [`/v2/ghcr.io/o/a/blobs/${digest}`, { kind: 'blob', name: 'o/a', digest }],
    [`/v2/ghcr.io/o/a/referrers/${digest}`, { kind: 'referrers', name: 'o/a', digest }],
    ['/v2/ghcr.io/o/a/tags/list', { kind: 'tags', name: 'o/a' }],
    [`/v2/ghcr.io/o/a/manifests/${digest}`, { kind: 'manifest', name: 'o/a', reference: digest }],
  ] as const)('is found in front of the repository in %s', ([path, expected]) => {
    expect(chooseUpstream(path, {}, rules)).toMatchObject({ prefix: '/ghcr.io', path: expected })
  })

  test.for([
    '',
    ' ',
    'a b',
    'host:',
    'host:port',
    'http://host',
    'host/path',
    '-host',
    'host-',
    '../x',
    'a\nb',
    '[::1',
    'user@host',
    'a.1',
    '1.2.3.4.5',
    '[::::]',
    'host:99999',
  ])('cannot be "%s"', ns => {
    expect(() => chooseUpstream('/v2/a/manifests/1', { ns }, rules)).toThrow(
      expect.objectContaining({ code: 'NAME_INVALID' }),
    )
  })

  test('is not chosen for a path that names nothing', () => {
    expect(() => chooseUpstream('/v2/a', {}, rules)).toThrow(expect.objectContaining({ code: 'ROUTE_UNKNOWN' }))
    expect(() => chooseUpstream('/v2/A/manifests/1', {}, rules)).toThrow(
      expect.objectContaining({ code: 'NAME_INVALID' }),
    )
  })

  test.for([
    ['https://index.docker.io', 'docker.io'],
    ['https://ghcr.io', 'ghcr.io'],
    ['harbor.example:8443', 'harbor.example:8443'],
  ] as const)('is named by X-Dragonfly-Registry: %s', ([registryHeader, registry]) => {
    expect(chooseUpstream('/v2/a/manifests/1', { registryHeader }, rules)).toMatchObject({ registry, prefix: '' })
  })

  test('goes by ns before the header', () => {
    const hints = { ns: 'ghcr.io', registryHeader: 'https://quay.io' }
    expect(chooseUpstream('/v2/a/manifests/1', hints, rules).registry).toBe('ghcr.io')
  })

  test.for([
    [{ allow: [], deny: ['*.evil.example'] }, 'a.evil.example', false],
    [{ allow: [], deny: ['*.evil.example'] }, 'ghcr.io', true],
    [{ allow: ['ghcr.io', '*.corp.example'], deny: [] }, 'hub.corp.example', true],
    [{ allow: ['ghcr.io', '*.corp.example'], deny: [] }, 'docker.io', false],
    [{ allow: ['*'], deny: ['docker.io'] }, 'docker.io', false],
  ] as const)('under %o %s is served: %s', ([registries, ns, served]) => {
    const choose = () => chooseUpstream('/v2/a/manifests/1', { ns }, { ...rules, registries })
    if (served) expect(choose().registry).toBe(ns)
    else expect(choose).toThrow(expect.objectContaining({ code: 'NAME_UNKNOWN' }))
  })

  test('can be kept out of the swarm', () => {
    const upstreams = { 'ghcr.io': { p2p: false } }
    expect(chooseUpstream('/v2/a/manifests/1', { ns: 'ghcr.io' }, { ...rules, upstreams }).p2p).toBe(false)
  })
})

test.each(['/\\[/v2/a/manifests/1', '//', '//[/v2/a', '/\\evil.example/v2/a/tags/list'])(
  'a path that begins as a reference to another host does names no registry: %s',
  url => {
    expect(() => withRegistryBehind(url)).toThrow(expect.objectContaining({ code: 'ROUTE_UNKNOWN' }))
  },
)

test('the URL at a registry is below that registry, whatever the path begins with', () => {
  const target = chooseUpstream('/v2/a/tags/list', {}, rules)
  expect(upstreamUrl('/v2/a/tags/list?n=1&ns=docker.io', target)).toBe(
    'https://registry-1.docker.io/v2/a/tags/list?n=1',
  )
})
