import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GeneratedImage } from '../../registry-mock/image/generated-image.ts'
import { ask } from '../helpers/ask.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'
import { BASIC } from '../helpers/registry-mock.ts'

const REPOSITORY = 'library/private'
const OTHER = 'library/other'
const ACCOUNT = { username: 'user', password: 'password' }
const WRONG = { authorization: `Basic ${btoa('user:wrong')}` }
const EMPTY = { authorization: 'Basic Og==' }
const IMAGE_BYTES = 3 * 1024 * 1024

type Headers = Record<string, string>

/** What the account shows a registry: Basic, or a token for the one repository. */
async function goodHeaders({ registry }: TestCluster, mode: 'basic' | 'bearer'): Promise<Headers> {
  if (mode === 'basic') return BASIC
  const scope = encodeURIComponent(`repository:${REPOSITORY}:pull`)
  const { body } = await ask(`${registry.url}/token?service=registry-mock&scope=${scope}`, { headers: BASIC })
  const { token } = JSON.parse(body.toString()) as { token: string }
  return { authorization: `Bearer ${token}` }
}

describe.for([
  ['basic', false],
  ['basic', true],
  ['bearer', false],
  ['bearer', true],
] as const)('a registry with %s auth, with a supernode: %s', ([mode, withSupernode]) => {
  let cluster: TestCluster
  let image: GeneratedImage
  let node: TestProgram
  let good: Headers

  beforeAll(async () => {
    cluster = await startCluster(
      { auth: { mode }, bandwidthBytesPerSecond: 2 * 1024 * 1024 },
      { checkedFirstBytes: '0' },
    )
    image = await cluster.registry.generateImage({ repository: REPOSITORY, layers: 2, sizeBytes: IMAGE_BYTES })
    await cluster.registry.generateImage({ repository: OTHER, layers: 1, sizeBytes: 64 * 1024, seed: 'other' })
    node = await cluster.dfdaemon(withSupernode ? { supernode: (await cluster.supernode()).url } : {})
    good = await goodHeaders(cluster, mode)
  })

  afterAll(() => cluster[Symbol.asyncDispose]())

  /** Each way to ask by each caller, beside what the registry itself says to it. */
  async function expectAsTheOrigin(digest: string, kinds: readonly string[]): Promise<void> {
    const callers: [string, string, Headers][] = [
      ['right', REPOSITORY, good],
      ['anonymous', REPOSITORY, {}],
      ['empty', REPOSITORY, EMPTY],
      ['wrong', REPOSITORY, WRONG],
      ['elsewhere', OTHER, good],
    ]
    const ways = [
      ['GET', `blobs/${digest}`],
      ['HEAD', `blobs/${digest}`],
      ['GET', 'manifests/latest'],
      ['GET', `manifests/${image.digest}`],
      ['HEAD', `manifests/${image.digest}`],
    ] as const
    for (const [method, path] of ways.filter(([, path]) => kinds.some(kind => path.startsWith(kind)))) {
      for (const [caller, repository, headers] of callers) {
        // Other content lies under the tag there.
        if (caller === 'elsewhere' && path.endsWith('latest')) continue
        const what = `${caller} ${method} ${path}`
        const target = `/v2/${repository}/${path}`
        // The origin is asked by HEAD, so that its bandwidth is left for the daemon.
        const { status } = await ask(`${cluster.registry.url}${target}`, { method: 'HEAD', headers })
        const answer = await ask(`${node.url}${target}`, { method, headers })
        expect(`${what}: ${answer.status}`).toBe(`${what}: ${status}`)
        expect(status === 200, what).toBe(caller === 'right')
        if (status === 401) expect(answer.headers['www-authenticate'], what).toMatch(new RegExp(`^${mode} `, 'i'))
        if (status !== 200) expect(answer.body.length, what).toBeLessThan(1000)
      }
    }
  }

  test('is asked for each caller while a good caller downloads', async () => {
    const [layer] = image.layers
    const digest = layer?.digest ?? ''
    let seen = 0
    let begun = () => {}
    const started = new Promise<void>(resolve => {
      begun = resolve
    })
    const onBytes = (sizeBytes: number) => {
      seen = sizeBytes
      begun()
    }
    const pulled = pullBlob(node, { repository: REPOSITORY, digest }, { headers: good, onBytes })
    await started
    for (const [repository, headers] of [
      [REPOSITORY, {}],
      [REPOSITORY, WRONG],
      [OTHER, good],
    ] as const) {
      const target = `/v2/${repository}/blobs/${digest}`
      const { status } = await ask(`${cluster.registry.url}${target}`, { method: 'HEAD', headers })
      expect((await ask(`${node.url}${target}`, { headers })).status).toBe(status)
      expect(status).not.toBe(200)
    }
    expect(seen).toBeLessThan(layer?.sizeBytes ?? 0)
    expect(await pulled).toMatchObject({ status: 200, digest })
  })

  test('is asked for each caller about what is stored', async () => {
    const digest = image.layers[1]?.digest ?? ''
    expect(await pullBlob(node, { repository: REPOSITORY, digest }, { headers: good })).toMatchObject({ digest })
    expect((await ask(`${node.url}/v2/${REPOSITORY}/manifests/latest`, { headers: good })).status).toBe(200)
    await expectAsTheOrigin(digest, ['blobs', 'manifests'])
  })

  test('lets anonymous callers pull by the own account of the daemon, and nobody with a wrong one', async () => {
    const upstreams = { [cluster.registry.host]: { account: ACCOUNT } }
    const own = await cluster.dfdaemon({}, { upstreams })
    const digest = image.config.digest
    for (const headers of [{}, EMPTY] as Headers[]) {
      expect(await pullBlob(own, { repository: REPOSITORY, digest }, { headers })).toMatchObject({
        status: 200,
        digest,
      })
      expect((await ask(`${own.url}/v2/${REPOSITORY}/manifests/latest`, { headers })).status).toBe(200)
    }
    for (const path of [`blobs/${digest}`, 'manifests/latest', `manifests/${image.digest}`]) {
      expect((await ask(`${own.url}/v2/${REPOSITORY}/${path}`, { headers: WRONG })).status).toBe(401)
    }
  })
})

describe.for([
  ['deny', 404, 404],
  ['recent', 200, 404],
  ['allow', 200, 200],
] as const)('under the outage policy %s', ([outage, known, unknown]) => {
  test(`who had a yes gets ${known}, who had none ${unknown}`, async () => {
    await using cluster = await startCluster({ auth: { mode: 'basic' } })
    const image = await cluster.registry.generateImage({ repository: REPOSITORY, layers: 1, sizeBytes: 100_000 })
    const node = await cluster.dfdaemon({ 'access.outage': outage, 'access.lifetimeSeconds': '0' })
    const paths = [`blobs/${image.config.digest}`, `manifests/${image.digest}`, 'manifests/latest']
    const statuses = (headers: Headers) =>
      Promise.all(paths.map(async path => (await ask(`${node.url}/v2/${REPOSITORY}/${path}`, { headers })).status))
    // The second time the blob is here, and the registry is asked for its yes.
    for (let round = 0; round < 2; round++) expect(await statuses(BASIC)).toEqual([200, 200, 200])
    await cluster.registry.stop()
    expect(await statuses(BASIC)).toEqual([known, known, known])
    expect(await statuses({})).toEqual([unknown, unknown, unknown])
  })
})
