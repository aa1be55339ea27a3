import { request } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import type { PreheatJob, PreheatRequest } from '../../protocol/messages/preheat-api.ts'
import { createPreheatClient, type PreheatClient } from '../../supernode/client/preheat-client.ts'
import { startCluster, type TestCluster, type TestProgram, tasksOf } from '../helpers/cluster.ts'
import { distributionBody, distributionEvent } from '../helpers/harbor-bodies.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { BASIC, OCI_INDEX, OCI_MANIFEST, putManifest } from '../helpers/registry-mock.ts'
import { waitFor } from '../helpers/wait.ts'

const LAYERS = 4
const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
const APP = { repository: 'library/app', tag: 'v1', layers: LAYERS, sizeBytes: 3 * 1024 * 1024 }
const options = () => ({ signal: AbortSignal.timeout(20_000) })

let cluster: TestCluster
let supernode: TestProgram
let nodes: TestProgram[]
let client: PreheatClient
/** Bytes of the config and the layers. */
let size: number

async function start(settings: Parameters<typeof startCluster>[0] = {}, file: object = {}, count = 3): Promise<void> {
  cluster = await startCluster(settings)
  size = await pushApp()
  supernode = await cluster.supernode({}, file)
  nodes = await cluster.dfdaemons(count, { supernode: supernode.url })
  client = createPreheatClient(supernode.url)
  await linked(count)
}

async function pushApp(): Promise<number> {
  return (await cluster.registry.generateImage(APP)).imageBytes
}

/** Waits until so many nodes can be told to fetch. */
async function linked(count: number): Promise<void> {
  const linkedNow = async () =>
    ((await (await request(`${supernode.url}/api/v1/peers`)).body.json()) as unknown[]).length
  await waitFor(async () => (await linkedNow()) === count, { timeoutMs: 20_000, what: 'the nodes to link' })
}

const image = (name = 'library/app:v1') => `${cluster.registry.host}/${name}`

async function finished(request: PreheatRequest): Promise<PreheatJob> {
  const { id } = await client.start(request, options())
  return waitFor(
    async () => {
      const job = await client.show(id, options())
      return job.endedAt === null ? undefined : job
    },
    { timeoutMs: 20_000, what: 'the job to end' },
  )
}

const blobBytes = () => cluster.registry.stats.snapshot().totalBlobBytes

afterEach(() => cluster[Symbol.asyncDispose]())

describe('an image', () => {
  beforeEach(() => start())

  test('is on all nodes with one copy from the registry, and pulls take nothing from it', async () => {
    const job = await finished({ image: image() })
    expect(job).toMatchObject({
      state: 'succeeded',
      reason: null,
      contents: { done: LAYERS + 1, total: LAYERS + 1 },
      nodes: { done: 3, failed: 0, total: 3 },
      sizeBytes: size,
    })
    expect(blobBytes()).toBe(size)
    for (const node of nodes) {
      const stored = await tasksOf(node)
      expect(stored.filter(({ state }) => state === 'complete')).toHaveLength(LAYERS + 1)
      for (const { task } of job.contentList) {
        if (task === null) throw new Error('a content has no task')
        const pulled = await pullBlob(node, { repository: 'library/app', digest: task })
        expect(pulled).toMatchObject({ status: 200, digest: task })
      }
      expect(await readMetric(node, 'damselfly_peer_origin_bytes_total')).toBe(0)
    }
    expect(blobBytes()).toBe(size)
  })

  test('goes to as many nodes as are wanted, or to the supernode alone', async () => {
    const two = await finished({ image: image(), scope: 'count:2' })
    expect(two).toMatchObject({ state: 'succeeded', nodes: { done: 2, total: 2 } })
    const none = await finished({ image: image(), scope: 'supernode' })
    expect(none).toMatchObject({ state: 'succeeded', nodes: { total: 0 }, contents: { done: LAYERS + 1 } })
    expect(blobBytes()).toBe(size)
  })

  test('that is preheated twice at the same time is fetched once', async () => {
    const jobs = await Promise.all([finished({ image: image() }), finished({ image: image(), scope: 'percent:100' })])
    expect(jobs.map(({ state, nodes }) => [state, nodes.done])).toEqual([
      ['succeeded', 3],
      ['succeeded', 3],
    ])
    expect(blobBytes()).toBe(size)
  })

  test('stands by for nodes that link later', async () => {
    const { id } = await client.start({ image: image(), standing: true }, options())
    const stands = async (done: number) => {
      const job = await client.show(id, options())
      return job.state === 'standing' && job.nodes.done === done
    }
    await waitFor(() => stands(3), { timeoutMs: 20_000 })
    await cluster.dfdaemon({ supernode: supernode.url })
    await waitFor(() => stands(4), { timeoutMs: 20_000 })
    await client.cancel(id, options())
    expect((await client.show(id, options())).state).toBe('cancelled')
    expect(blobBytes()).toBe(size)
  })

  test('that nobody has, for platforms that it has not, and for nodes that never come: each has its end and a reason', async () => {
    const { host } = cluster.registry
    expect(
      await finished({ image: `${host}/library/app:v1`, scope: 'nodes:nobody', deadlineSeconds: 2 }),
    ).toMatchObject({
      state: 'failed',
      reason: { code: 'PEER_UNKNOWN', message: expect.stringContaining('never linked: nobody; start dfdaemon there') },
    })
    await putManifest(cluster.registry, 'library/app/manifests/index', { schemaVersion: 2, manifests: [] }, OCI_INDEX)
    expect(await finished({ image: image('library/app:index') })).toMatchObject({
      state: 'failed',
      reason: { code: 'MANIFEST_UNKNOWN', message: expect.stringContaining('it is empty') },
    })
    const { digest } = await finished({ image: image(), scope: 'supernode' })
    const ofArm = { mediaType: OCI_MANIFEST, digest, size: 1, platform: { os: 'linux', architecture: 'arm64' } }
    await putManifest(
      cluster.registry,
      'library/app/manifests/arm',
      { schemaVersion: 2, manifests: [ofArm] },
      OCI_INDEX,
    )
    expect(await finished({ image: image('library/app:arm'), platforms: ['linux/s390x'] })).toMatchObject({
      state: 'failed',
      reason: { code: 'MANIFEST_UNKNOWN', message: expect.stringContaining('it has linux/arm64') },
    })
    expect(await finished({ image: image('library/nothing:v1') })).toMatchObject({
      state: 'failed',
      reason: { code: 'MANIFEST_UNKNOWN', message: expect.stringContaining('check the name and the tag') },
    })
  })
})

test('a layer that its registry need not have, and has no more, is left out', async () => {
  await start({}, {}, 1)
  const gone = { mediaType: FOREIGN, digest: digestOf(Buffer.from('gone')), size: 4, urls: ['http://127.0.0.1:9/gone'] }
  const known = (await (await fetch(`${cluster.registry.url}/v2/library/app/manifests/v1`)).json()) as {
    layers: object[]
  }
  const manifest = { ...known, layers: [gone, ...known.layers] }
  expect((await putManifest(cluster.registry, 'library/app/manifests/windows', manifest)).status).toBe(201)
  const job = await finished({ image: image('library/app:windows') })
  expect(job).toMatchObject({ state: 'succeeded', nodes: { done: 1 }, contents: { done: LAYERS + 2 } })
  const left = job.contentList.filter(({ state }) => state === 'skipped')
  expect(left).toMatchObject([{ name: `layer 1 of ${LAYERS + 1}`, reason: { code: 'BLOB_UNKNOWN' } }])
})

describe('a private image', () => {
  test('is fetched with what comes with the job, by nodes without any account, and nothing of it is shown', async () => {
    await start({ auth: { mode: 'basic' } })
    const job = await finished({ image: image(), headers: BASIC })
    expect(job).toMatchObject({ state: 'succeeded', nodes: { done: 3 } })
    expect(blobBytes()).toBe(size)
    expect(JSON.stringify(job)).not.toContain(BASIC.authorization)
  })

  test('without credentials fails, and says what to send', async () => {
    await start({ auth: { mode: 'basic' } })
    expect(await finished({ image: image() })).toMatchObject({
      state: 'failed',
      reason: { code: 'UNAUTHORIZED', message: expect.stringMatching(/send headers or credentials with the job/) },
    })
  })

  test('goes on under the account of the supernode when what came with the job is not accepted any more', async () => {
    cluster = await startCluster({ auth: { mode: 'basic' } })
    size = await pushApp()
    const { host, url } = cluster.registry
    const account = { username: 'user', password: 'password' }
    supernode = await cluster.supernode({}, { upstreams: { [host]: { url, account } } })
    nodes = await cluster.dfdaemons(1, { supernode: supernode.url })
    client = createPreheatClient(supernode.url)
    await linked(1)
    const headers = { authorization: `Basic ${btoa('user:expired')}` }
    expect(await finished({ image: image(), headers })).toMatchObject({ state: 'succeeded', nodes: { done: 1 } })
  })
})

test('files are preheated by their URLs', async () => {
  await start()
  const { url } = cluster.registry
  const { contentList } = await finished({ image: image(), scope: 'supernode' })
  const digest = contentList.find(({ sizeBytes }) => (sizeBytes ?? 0) > 100_000)?.task
  const job = await finished({ files: [`${url}/v2/library/app/blobs/${digest}`] })
  expect(job).toMatchObject({ state: 'succeeded', nodes: { done: 3 }, contents: { done: 1, total: 1 } })
  const none = await finished({ files: [`${url}/nothing`] })
  expect(none).toMatchObject({ state: 'failed', reason: { code: expect.any(String) } })
})

test('a registry that is down for a while is waited for', async () => {
  await start()
  const wanted = image()
  cluster.registry.faults.set([{ action: 'status', status: 503, times: 8 }])
  expect(await finished({ image: wanted, deadlineSeconds: 60 })).toMatchObject({
    state: 'succeeded',
    nodes: { done: 3 },
  })
  expect(blobBytes()).toBe(size)
})

test('an event that comes again after its job has ended starts no other', async () => {
  await start({}, {}, 1)
  const { host } = cluster.registry
  const digest = (await finished({ image: image() })).digest
  const target = { repository: APP.repository, digest, tag: APP.tag, url: `http://${host}/v2/` }
  const body = distributionBody(distributionEvent({ target }))
  const tell = async () => {
    const headers = { 'content-type': 'application/vnd.docker.distribution.events.v1+json' }
    const answer = await request(`${supernode.url}/events`, { method: 'POST', headers, body })
    return answer.body.json()
  }
  expect(await tell()).toEqual({ started: [2], underWay: [], ignored: 0 })
  const ended = async () => (await client.show(2, options())).state === 'succeeded'
  await waitFor(ended, { timeoutMs: 20_000, what: 'the job of the event to end' })
  expect(await tell()).toEqual({ started: [], underWay: [2], ignored: 0 })
})
