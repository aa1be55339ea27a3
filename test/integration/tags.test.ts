import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { ask } from '../helpers/ask.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { startHttpServer } from '../helpers/http-server.ts'
import { OCI_INDEX, OCI_MANIFEST, putManifest } from '../helpers/registry-mock.ts'

const PATH = 'library/test/manifests'
/** Spaces that no encoder would put there: the bytes must come through untouched. */
const FIRST = `{ "schemaVersion": 2,  "mediaType": "${OCI_INDEX}", "manifests": [] }\n`
const SECOND = `{ "schemaVersion": 2,  "mediaType": "${OCI_INDEX}", "manifests": [], "annotations": {"a": "b"} }`
const FIRST_DIGEST = digestOf(Buffer.from(FIRST))
const SLOW = { match: { kind: 'manifest' }, action: 'slow-first-byte', delayMs: 5_000 } as const

let cluster: TestCluster

beforeEach(async () => {
  cluster = await startCluster()
  await move('v1', FIRST)
})

afterEach(() => cluster[Symbol.asyncDispose]())

async function move(tag: string, text: string): Promise<void> {
  expect((await putManifest(cluster.registry, `${PATH}/${tag}`, text, OCI_INDEX)).status).toBe(201)
}

async function get(node: { url: string }, reference: string, headers: Record<string, string> = {}) {
  const answer = await ask(`${node.url}/v2/${PATH}/${reference}`, { headers })
  return { status: answer.status, text: answer.body.toString(), warning: answer.headers.warning }
}

const manifestGets = () => cluster.registry.stats.snapshot().manifests.requests

describe('a tag that is revalidated', () => {
  test('is seen at once where it moved', async () => {
    const node = await cluster.dfdaemon()
    expect(await get(node, 'v1')).toEqual({ status: 200, text: FIRST, warning: undefined })
    await move('v1', SECOND)
    expect(await get(node, 'v1')).toEqual({ status: 200, text: SECOND, warning: undefined })
  })

  test.for(['down', '500', '429', 'slow'])(
    'is what it was last, with a warning, while the registry is %s',
    async how => {
      // Without a lifetime, only the outage policy can speak for the registry.
      const node = await cluster.dfdaemon({
        tagDeadlineMs: '200',
        'access.lifetimeSeconds': how === 'slow' ? '60' : '0',
      })
      expect((await get(node, 'v1')).status).toBe(200)
      if (how === 'down') await cluster.registry.stop()
      else if (how === 'slow') cluster.registry.faults.set([SLOW])
      else if (how === '500')
        cluster.registry.faults.set([{ match: { kind: 'manifest' }, action: 'status', status: 500 }])
      else {
        const match = { kind: 'manifest', method: 'HEAD' } as const
        cluster.registry.faults.set([{ match, action: 'status', status: 429, times: 1 }])
      }
      const answer = await get(node, 'v1')
      expect(answer).toMatchObject({ status: 200, text: FIRST })
      expect(answer.warning).toMatch(/^299 - ".+"$/)
      // Nobody knows this one from before, so a slow registry would be waited for.
      if (how !== 'slow') expect((await get(node, 'v2')).status).toBe(404)
    },
  )

  test('is gone when the registry says so', async () => {
    const node = await cluster.dfdaemon()
    expect((await get(node, 'v1')).status).toBe(200)
    cluster.registry.faults.set([{ match: { kind: 'manifest' }, action: 'status', status: 404 }])
    expect(await get(node, 'v1')).toMatchObject({ status: 404, warning: undefined })
  })
})

test('a pinned tag stays, a bypassed one is not remembered, others are revalidated', async () => {
  const { host } = cluster.registry
  const tags = [
    { pattern: `${host}/library/*:pin*`, mode: 'pin' },
    { pattern: '*:latest', mode: 'bypass' },
  ]
  const node = await cluster.dfdaemon({}, { tags })
  const names = ['pinned', 'latest', 'v1']
  for (const tag of names) await move(tag, FIRST)
  for (const tag of names) expect((await get(node, tag)).text).toBe(FIRST)
  for (const tag of names) await move(tag, SECOND)
  expect((await get(node, 'pinned')).text).toBe(FIRST)
  expect((await get(node, 'latest')).text).toBe(SECOND)
  expect((await get(node, 'v1')).text).toBe(SECOND)
  await cluster.registry.stop()
  expect(await get(node, 'pinned')).toEqual({ status: 200, text: FIRST, warning: undefined })
  expect((await get(node, 'latest')).status).toBe(404)
  expect(await get(node, 'v1')).toMatchObject({ status: 200, text: SECOND, warning: expect.any(String) })
})

test('a manifest by digest comes from the store, byte for byte, also after a restart', async () => {
  const first = await cluster.dfdaemon()
  expect((await get(first, FIRST_DIGEST)).text).toBe(FIRST)
  const before = manifestGets()
  expect((await get(first, FIRST_DIGEST)).text).toBe(FIRST)
  await first.stop()
  const { headRequests } = cluster.registry.stats.snapshot().manifests
  const again = await cluster.dfdaemon({ dataDir: first.dataDir })
  expect((await get(again, FIRST_DIGEST)).text).toBe(FIRST)
  expect(manifestGets()).toBe(before)
  expect(cluster.registry.stats.snapshot().manifests.headRequests).toBe(headRequests + 1)
})

test('a manifest that the client has is not sent again', async () => {
  const node = await cluster.dfdaemon()
  for (const reference of ['v1', FIRST_DIGEST]) {
    expect(await get(node, reference, { 'if-none-match': `"${FIRST_DIGEST}"` })).toMatchObject({
      status: 304,
      text: '',
    })
    expect((await get(node, reference, { 'if-none-match': '"other"' })).status).toBe(200)
  }
})

test('every request upstream names the four manifest types', async () => {
  const upstream = await startHttpServer((_request, response) => {
    response.writeHead(200, { 'content-type': OCI_INDEX, 'docker-content-digest': FIRST_DIGEST }).end(FIRST)
  })
  try {
    const tags = [{ pattern: '*:latest', mode: 'bypass' }]
    const node = await cluster.dfdaemon({ defaultUpstream: new URL(upstream.url).host }, { tags })
    for (const accept of ['*/*', OCI_MANIFEST, 'application/json;q=0.5']) {
      for (const reference of ['v1', 'latest', FIRST_DIGEST])
        expect((await get(node, reference, { accept })).status).toBe(200)
    }
    const docker = 'application/vnd.docker.distribution.manifest'
    expect(upstream.requests.length).toBeGreaterThan(6)
    for (const { headers } of upstream.requests) {
      const named = headers.accept?.split(', ')
      for (const type of [OCI_MANIFEST, OCI_INDEX, `${docker}.v2+json`, `${docker}.list.v2+json`]) {
        expect(named).toContain(type)
      }
    }
  } finally {
    await upstream.close()
  }
})
