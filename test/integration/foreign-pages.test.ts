import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GeneratedImage } from '../../registry-mock/image/generated-image.ts'
import { ask, ociCodeOf } from '../helpers/ask.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'

const REPOSITORY = 'library/private'
const ACCOUNT = { username: 'user', password: 'password' }

let cluster: TestCluster
let supernode: TestProgram
let image: GeneratedImage
/** With an account of its own, as nodes have for private images. */
let nodes: Record<'a dfdaemon' | 'a dfdaemon on trial', TestProgram>

beforeAll(async () => {
  cluster = await startCluster({ auth: { mode: 'basic' } })
  image = await cluster.registry.generateImage({ repository: REPOSITORY, layers: 1, sizeBytes: 64 * 1024 })
  supernode = await cluster.supernode()
  const upstreams = { [cluster.registry.host]: { url: cluster.registry.url, account: ACCOUNT } }
  nodes = {
    'a dfdaemon': await cluster.dfdaemon({ trial: 'false' }, { upstreams }),
    'a dfdaemon on trial': await cluster.dfdaemon({ supernode: supernode.url }, { upstreams }),
  }
})

afterAll(() => cluster[Symbol.asyncDispose]())

/** What browsers send for pages, by what the page has done. The port is the program's. */
const PAGES: Record<string, (port: string) => Record<string, string>> = {
  'has its name mean 127.0.0.1': port => ({ host: `evil.example:${port}` }),
  'has its name mean 127.0.0.1, and sends': port => ({
    host: `evil.example:${port}`,
    origin: `http://evil.example:${port}`,
    'sec-fetch-site': 'same-origin',
  }),
  'shows it as an image': () => ({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }),
  'sends a form': () => ({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }),
  'is in a frame without an origin': () => ({ origin: 'null' }),
}

describe.each(['a dfdaemon', 'a dfdaemon on trial'] as const)('%s', name => {
  test.each(Object.entries(PAGES))('gives no private image to a page that %s', async (_, page) => {
    const { url } = nodes[name]
    const headers = page(new URL(url).port)
    for (const path of [
      `blobs/${image.config.digest}`,
      'manifests/latest',
      `manifests/${image.digest}`,
      'tags/list',
      `referrers/${image.digest}`,
    ]) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await ask(`${url}/v2/${REPOSITORY}/${path}`, { method, headers })
        expect([path, answer.status]).toEqual([path, 403])
        if (method === 'GET') expect(ociCodeOf(answer)).toBe('DENIED')
      }
    }
    expect((await ask(`${url}/v2/`, { headers })).status).toBe(403)
    expect(await pullBlob(nodes[name], { repository: REPOSITORY, digest: image.config.digest })).toMatchObject({
      status: 200,
    })
  })
})

test.each(Object.entries(PAGES))('a trial does nothing for a page that %s', async (_, page) => {
  for (const { url } of [supernode, nodes['a dfdaemon on trial']]) {
    const headers = { 'content-type': 'application/json', ...page(new URL(url).port) }
    const change = await ask(`${url}/api/v1/limits`, { method: 'PUT', headers, body: '{"concurrentUploads":7}' })
    expect([change.status, JSON.parse(change.body.toString())]).toMatchObject([403, { code: 'DENIED' }])
    for (const path of ['/metrics', '/api/v1/limits', '/version'])
      expect((await ask(`${url}${path}`, { headers })).status).toBe(403)
    expect(JSON.parse((await ask(`${url}/api/v1/limits`)).body.toString())).not.toMatchObject({ concurrentUploads: 7 })
  }
})
