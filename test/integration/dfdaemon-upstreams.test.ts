import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, ask, ociCodeOf } from '../helpers/ask.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { OCI_INDEX, putManifest } from '../helpers/registry-mock.ts'

/** One repository name in three registries, with other content in each. */
const REPOSITORY = 'library/test'
const NAMES = ['hub.example', 'harbor.example:8443', 'other.example'] as const
const [HUB, HARBOR, OTHER] = NAMES
const MANIFEST = 'manifests/v1'
const ENCODED = encodeURIComponent(HARBOR)
const UNDERSCORED = HARBOR.replace(':', '_')

type Headers = Record<string, string>

let stack: AsyncDisposableStack
let clusters: TestCluster[]
let blobs: string[]
let node: TestProgram
let strict: TestProgram

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  clusters = await Promise.all(NAMES.map(async () => stack.use(await startCluster())))
  blobs = await Promise.all(
    clusters.map(async ({ registry }, index) => {
      const annotations = { name: String(NAMES[index]) }
      const manifest = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], annotations }
      for (const name of [REPOSITORY, 'test', `project/${REPOSITORY}`]) {
        await putManifest(registry, `${name}/manifests/v1`, manifest, OCI_INDEX)
      }
      return (await seedBlob(registry, 1_000, { seed: String(NAMES[index]) })).digest
    }),
  )
  const [first] = clusters as [TestCluster]
  const upstreams = Object.fromEntries(NAMES.map((name, index) => [name, { url: clusters[index]?.registry.url }]))
  node = await first.dfdaemon({ defaultUpstream: HUB }, { upstreams })
  const registries = { allow: ['harbor.example:*', 'hub.example'], deny: ['hub.example'] }
  strict = await first.dfdaemon({ defaultUpstream: HUB }, { upstreams, registries })
})

afterAll(() => stack.disposeAsync())

/** Which registry's content came back. */
function nameIn({ status, body }: Answer): string {
  return status === 200 ? JSON.parse(body.toString()).annotations.name : String(status)
}

describe('a request goes to the registry', () => {
  test.for<[how: string, path: string, headers: Headers, registry: string]>([
    ['that is the default, as from dockerd', `/v2/${REPOSITORY}`, {}, HUB],
    ['that ns names', `/v2/${REPOSITORY}?ns=${OTHER}`, {}, OTHER],
    ['that ns names with its port', `/v2/${REPOSITORY}?ns=${HARBOR}`, {}, HARBOR],
    ['that ns names with its port encoded', `/v2/${REPOSITORY}?ns=${ENCODED}`, {}, HARBOR],
    ['in front of the repository', `/v2/${HARBOR}/${REPOSITORY}`, {}, HARBOR],
    ['in front of the repository, with its port encoded', `/v2/${ENCODED}/${REPOSITORY}`, {}, HARBOR],
    ['in front of the repository, with its port as podman takes it', `/v2/${UNDERSCORED}/${REPOSITORY}`, {}, HARBOR],
    ['of the header, a URL', `/v2/${REPOSITORY}`, { 'X-Dragonfly-Registry': `https://${OTHER}` }, OTHER],
    ['of the header, a host', `/v2/${REPOSITORY}`, { 'X-Dragonfly-Registry': HARBOR }, HARBOR],
    // containerd, `_default/hosts.toml` with a header for those that know no ns.
    ['of ns, before the header', `/v2/${REPOSITORY}?ns=${OTHER}`, { 'X-Dragonfly-Registry': HARBOR }, OTHER],
    // containerd, `[host."http://mirror/v2/<registry>"]` with `override_path = true`.
    ['that path and ns name both', `/v2/${HARBOR}/${REPOSITORY}?ns=${ENCODED}`, {}, HARBOR],
    ['of an override_path to another', `/v2/${HARBOR}/project/${REPOSITORY}?ns=${OTHER}`, {}, HARBOR],
    // dockerd from 25 on, `registry-mirrors` with a path; containerd, `[host."http://mirror/<registry>"]`.
    ["of the mirror's path", `/${HARBOR}/v2/${REPOSITORY}`, {}, HARBOR],
    ["of the mirror's path, with its port encoded", `/${ENCODED}/v2/${REPOSITORY}`, {}, HARBOR],
    ["of the mirror's path, with its port as podman takes it", `/${UNDERSCORED}/v2/${REPOSITORY}`, {}, HARBOR],
    ["of the mirror's path, before ns", `/${HARBOR}/v2/${REPOSITORY}?ns=${OTHER}`, {}, HARBOR],
    ["of the mirror's path, for a short name", `/${OTHER}/v2/test`, {}, OTHER],
  ])('%s', async ([, given, headers, registry]) => {
    const [path, query = ''] = given.split('?')
    const at = (rest: string) => `${node.url}${path}/${rest}${query === '' ? '' : `?${query}`}`
    for (const method of ['HEAD', 'GET']) {
      expect((await ask(at(MANIFEST), { method, headers })).status).toBe(200)
    }
    expect(nameIn(await ask(at(MANIFEST), { headers }))).toBe(registry)
    const digest = blobs[NAMES.indexOf(registry as typeof HUB)]
    if (path?.endsWith(`/${REPOSITORY}`) && !path.includes('project/')) {
      expect((await ask(at(`blobs/${digest}`), { headers })).status).toBe(200)
      const others = blobs.filter(other => other !== digest)
      for (const other of others) expect((await ask(at(`blobs/${other}`), { headers })).status).toBe(404)
    }
    const tags = await ask(`${at('tags/list')}${query === '' ? '?' : '&'}n=0`, { headers })
    expect(JSON.parse(tags.body.toString())).toMatchObject({ tags: [] })
  })

  test('and nothing of how it was chosen goes upstream', () => {
    for (const { registry } of clusters) {
      const paths = registry.requests
        .filter(({ method }) => method === 'GET' || method === 'HEAD')
        .map(({ path }) => path)
      expect(paths.filter(path => /ns=|example/.test(path))).toEqual([])
    }
  })

  test.for(['/v2', '/v2/', `/${HARBOR}/v2`, `/${ENCODED}/v2/`, `/v2/?ns=${ENCODED}`])(
    'has its ping at %s',
    async path => {
      const { status, headers } = await ask(`${node.url}${path}`)
      expect([status, headers['docker-distribution-api-version']]).toEqual([200, 'registry/2.0'])
    },
  )
})

test("links lead back through the mirror's path", async () => {
  await putManifest(
    (clusters[1] as TestCluster).registry,
    `${REPOSITORY}/manifests/v2`,
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] },
    OCI_INDEX,
  )
  const { headers } = await ask(`${node.url}/${HARBOR}/v2/${REPOSITORY}/tags/list?n=1`)
  const [, next = ''] = /^<([^>]+)>/.exec(String(headers.link)) ?? []
  expect(JSON.parse((await ask(`${node.url}${next}`)).body.toString()).tags).toEqual(['v2'])
})

describe('a registry that is not served', () => {
  const paths = (registry: string, rest: string) => [
    `/v2/${REPOSITORY}/${rest}?ns=${encodeURIComponent(registry)}`,
    `/v2/${registry}/${REPOSITORY}/${rest}`,
    `/${registry}/v2/${REPOSITORY}/${rest}`,
  ]

  test.for([OTHER, HUB, 'unknown.example'])('%s: not in the list, or denied', async registry => {
    for (const rest of [MANIFEST, `blobs/${blobs[0]}`, 'tags/list', `referrers/${blobs[0]}`]) {
      for (const path of paths(registry, rest)) {
        const answer = await ask(`${strict.url}${path}`)
        expect([path, answer.status, ociCodeOf(answer)]).toEqual([path, 404, 'NAME_UNKNOWN'])
      }
    }
  })

  test('is not the default either', async () => {
    const answer = await ask(`${strict.url}/v2/${REPOSITORY}/${MANIFEST}`)
    expect([answer.status, ociCodeOf(answer)]).toEqual([404, 'NAME_UNKNOWN'])
    for (const path of paths(HARBOR, MANIFEST)) expect(nameIn(await ask(`${strict.url}${path}`))).toBe(HARBOR)
  })

  test.for(['/nothing/v2/library/test/manifests/v1', '/api/v2/tasks', '/v2x/v2/test/manifests/v1'])(
    'is not meant by what is no registry: %s',
    async path => {
      const answer = await ask(`${node.url}${path}`)
      expect([answer.status, ociCodeOf(answer)]).toEqual([404, 'ROUTE_UNKNOWN'])
    },
  )
})
