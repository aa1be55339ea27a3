import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GeneratedImage } from '../../registry-mock/image/generated-image.ts'
import { ask, ociCodeOf } from '../helpers/ask.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { startHarbor } from '../helpers/harbor/start-harbor.ts'
import { basicOf, ROBOT } from '../helpers/own-account.ts'
import { pullBlob } from '../helpers/pull.ts'
import type { FrontServer } from '../helpers/registry-front/front-server.ts'
import { type SeenRequest, sentBytesOfBlobs } from '../helpers/registry-front/seen-request.ts'
import { waitFor } from '../helpers/wait.ts'

const IMAGE_BYTES = 3 * 1024 * 1024
const BASIC = { authorization: basicOf(ROBOT) }
/** So short that no URL of the storage is good for a second request. */
const SIGNATURE_LIFETIME_S = 0.05

let cluster: TestCluster
let harbor: FrontServer
let seen: SeenRequest[]
const images = new Map<string, GeneratedImage>()

beforeAll(async () => {
  seen = []
  cluster = await startCluster()
  for (const repository of [
    'library/demo',
    'library/own',
    'library/broken',
    'public/demo',
    'hub/library/demo',
    'hub/library/cold',
  ]) {
    images.set(
      repository,
      await cluster.registry.generateImage({ repository, layers: 1, sizeBytes: IMAGE_BYTES, seed: repository }),
    )
  }
  harbor = await startHarbor(
    {
      listen: '127.0.0.1:0',
      storageListen: '127.0.0.1:0',
      registryUrl: cluster.registry.url,
      accounts: [{ ...ROBOT, pulls: ['library/', 'hub/'] }],
      publicProjects: ['public'],
      proxyProjects: ['hub'],
      signatureLifetimeSeconds: SIGNATURE_LIFETIME_S,
    },
    request => void seen.push(request),
  )
})

afterAll(async () => {
  await harbor?.stop()
  await cluster?.[Symbol.asyncDispose]()
})

function layerOf(repository: string): { digest: string; sizeBytes: number } {
  const layer = images.get(repository)?.layers[0]
  if (layer === undefined) throw new Error(`no image in ${repository}`)
  return layer
}

async function tokenFor(repository: string, headers: Record<string, string>): Promise<Record<string, string>> {
  const scope = encodeURIComponent(`repository:${repository}:pull`)
  const { body } = await ask(`${harbor.url}/service/token?service=harbor-registry&scope=${scope}`, { headers })
  const { token } = JSON.parse(body.toString()) as { token: string }
  return { authorization: `Bearer ${token}` }
}

describe('the façade answers as Harbor does', () => {
  test.each(['library/demo', 'public/demo'])('nobody reads %s without a token', async repository => {
    const host = 'harbor.example:8443'
    const path = `/v2/${repository}/manifests/latest`
    const anonymous = await ask(`${harbor.url}${path}`, { headers: { host } })
    expect([anonymous.status, ociCodeOf(anonymous)]).toEqual([401, 'UNAUTHORIZED'])
    expect(anonymous.headers['www-authenticate']).toBe(
      `Bearer realm="http://${host}/service/token",service="harbor-registry",scope="repository:${repository}:pull"`,
    )
    const bad = await ask(`${harbor.url}${path}`, { headers: { authorization: 'Bearer nonsense' } })
    expect([bad.status, bad.headers['www-authenticate']]).toEqual([401, 'Basic realm="harbor"'])
    const basic = await ask(`${harbor.url}${path}`, { headers: BASIC })
    expect(basic.status).toBe(200)
    const token = await tokenFor(repository, repository.startsWith('public/') ? {} : BASIC)
    expect((await ask(`${harbor.url}${path}`, { headers: token })).status).toBe(200)
  })

  test('a token is for its repository, and given by GET only', async () => {
    const token = await tokenFor('library/demo', BASIC)
    const other = await ask(`${harbor.url}/v2/library/broken/manifests/latest`, { headers: token })
    expect([other.status, other.headers['www-authenticate']]).toEqual([401, 'Basic realm="harbor"'])
    expect((await ask(`${harbor.url}/service/token`, { method: 'POST', headers: BASIC })).status).toBe(405)
    const wrong = { authorization: basicOf({ ...ROBOT, password: 'wrong' }) }
    expect((await ask(`${harbor.url}/service/token`, { headers: wrong })).status).toBe(401)
  })

  test('blobs are redirected to URLs that are good for one method, for a while, and without Authorization', async () => {
    const { digest, sizeBytes } = layerOf('library/demo')
    const locate = async (method: string) => {
      const { status, headers } = await ask(`${harbor.url}/v2/library/demo/blobs/${digest}`, { method, headers: BASIC })
      expect(status).toBe(307)
      return String(headers.location)
    }
    expect((await ask(await locate('GET'))).body.length).toBe(sizeBytes)
    expect((await ask(await locate('GET'), { method: 'HEAD' })).status).toBe(403)
    expect((await ask(await locate('GET'), { headers: BASIC })).status).toBe(400)
    const head = await locate('HEAD')
    expect((await ask(head, { method: 'HEAD' })).status).toBe(200)
    await waitFor(async () => (await ask(head, { method: 'HEAD' })).status === 403, { timeoutMs: 2_000 })
  })

  test('a proxy-cache project gives cold blobs whole and does not find them by HEAD', async () => {
    const { digest, sizeBytes } = layerOf('hub/library/demo')
    const url = `${harbor.url}/v2/hub/library/demo/blobs/${digest}`
    const short = await ask(`${harbor.url}/v2/hub/demo/manifests/latest`, { headers: BASIC })
    expect([short.status, short.headers.location]).toEqual([301, '/v2/hub/library/demo/manifests/latest'])
    expect((await ask(url, { method: 'HEAD', headers: BASIC })).status).toBe(404)
    const cold = await ask(url, { headers: { ...BASIC, range: 'bytes=5-9' } })
    expect([cold.status, cold.body.length]).toEqual([200, sizeBytes])
    expect((await ask(url, { headers: BASIC })).status).toBe(307)
  })
})

describe('through the swarm', () => {
  let nodes: TestProgram[]

  beforeAll(async () => {
    const { url } = await cluster.supernode()
    const upstreams = { [cluster.registry.host]: { url: harbor.url, account: ROBOT } }
    nodes = await Promise.all([1, 2, 3].map(() => cluster.dfdaemon({ supernode: url }, { upstreams })))
  })

  /** Every node pulls the layer, all at once. @returns what of it Harbor and its storage sent */
  async function pullEverywhere(repository: string, { name = repository, headers = {} } = {}): Promise<SeenRequest[]> {
    const before = seen.length
    const { digest, sizeBytes } = layerOf(repository)
    const pulled = await Promise.all(nodes.map(node => pullBlob(node, { repository: name, digest }, { headers })))
    expect(pulled).toEqual(nodes.map(() => expect.objectContaining({ status: 200, digest, sizeBytes })))
    const requests = () => seen.slice(before).filter(({ path, method }) => path.includes(digest) && method === 'GET')
    // An answer is noted when it has ended, which its reader knows first.
    await waitFor(() => (sentBytesOfBlobs(requests()).get(digest) ?? 0) >= sizeBytes, { timeoutMs: 2_000 })
    return requests()
  }

  function sentOf(repository: string, requests: readonly SeenRequest[]): number | undefined {
    return sentBytesOfBlobs(requests).get(layerOf(repository).digest)
  }

  test.each([
    ['library/demo', 'by the account of the nodes', {}],
    ['public/demo', 'by the account of the nodes', {}],
    ['library/own', 'by that of their users', BASIC],
  ])('%s, %s, leaves the storage once, which hears of no account', async (repository, _, headers) => {
    const requests = await pullEverywhere(repository, { headers })
    expect(sentOf(repository, requests)).toBe(layerOf(repository).sizeBytes)
    const stored = requests.filter(({ server }) => server === 'storage')
    expect(stored.map(({ status, authorization }) => [status, authorization])).toEqual([[200, undefined]])
  })

  test('a read that breaks off goes on under a new URL of the storage', async () => {
    const { digest, sizeBytes } = layerOf('library/broken')
    cluster.registry.faults.set([{ match: { kind: 'blob', digest }, action: 'cut', afterBytes: 1_000_000, times: 1 }])
    const requests = (await pullEverywhere('library/broken')).filter(({ server }) => server === 'storage')
    expect(requests.map(({ status }) => status)).toEqual([200, 206])
    expect(new Set(requests.map(({ path }) => path)).size).toBe(2)
    expect(sentOf('library/broken', requests)).toBe(sizeBytes)
  })

  test('a cold blob of a proxy-cache project is read once, beside a look whether it may be read', async () => {
    const requests = await pullEverywhere('hub/library/cold', { name: 'hub/cold' })
    const found = requests.filter(({ status }) => status === 200)
    expect(found.map(({ range }) => range)).toEqual(['bytes=0-0', undefined])
  })
})
