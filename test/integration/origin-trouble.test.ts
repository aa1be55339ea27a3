import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import type { RegistryMockSettings } from '../../registry-mock/config.ts'
import type { FaultRule } from '../../registry-mock/faults.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { onlyTask, startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'
import { BASIC } from '../helpers/registry-mock.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const BLOB_BYTES = 3 * MIB + 77
const BLOB = { kind: 'blob', method: 'GET' } as const

const CUT_ONCE: readonly FaultRule[] = [{ match: BLOB, action: 'cut', afterBytes: MIB, times: 1 }]
const CUT_AT_ONCE: FaultRule = { match: BLOB, action: 'cut', afterBytes: 0 }
/** Settings with which a client gets bytes before the digest of the whole was checked, as with long content. */
const STREAMING = { checkedFirstBytes: '0' }
const STALL: FaultRule = { match: BLOB, action: 'stall', afterBytes: MIB }

async function expectGood(nodes: readonly TestProgram[], blob: TestBlob): Promise<void> {
  for (const pulled of await Promise.all(nodes.map(node => pullBlob(node, blob)))) {
    expect(pulled).toMatchObject({ status: 200, digest: blob.digest, sizeBytes: BLOB_BYTES })
  }
}

/** Waits until no download is under way: a pull may end before the digest of the whole was checked. */
async function settled(nodes: readonly TestProgram[]): Promise<void> {
  const idle = async () => (await Promise.all(nodes.map(onlyTask))).every(({ state }) => state !== 'downloading')
  await waitFor(idle, { timeoutMs: 10_000, what: 'the end of the downloads' })
}

async function startNodes(cluster: TestCluster, withSupernode: boolean, count = 2): Promise<TestProgram[]> {
  const supernode = withSupernode ? (await cluster.supernode()).url : ''
  return cluster.dfdaemons(withSupernode ? count : 1, { supernode })
}

const TOPOLOGIES = [
  ['with a supernode', true],
  ['without a supernode', false],
] as const

interface Trouble {
  readonly name: string
  readonly rules: readonly FaultRule[]
  readonly settings?: RegistryMockSettings
  /** Body bytes that the origin may send, in copies of the blob. */
  readonly copies: number
}

const SURVIVABLE: readonly Trouble[] = [
  // What waits in buffers when the connection ends is asked for again.
  { name: 'cuts the connection once', rules: [{ match: BLOB, action: 'cut', times: 1 }], copies: 1.5 },
  {
    name: 'cuts the connection every 512 KiB',
    rules: [{ match: BLOB, action: 'cut', afterBytes: MIB / 2 }],
    copies: 1.5,
  },
  // What is on its way when the connection is reset is lost, and sent again.
  { name: 'resets the connection once', rules: [{ match: BLOB, action: 'reset', times: 1 }], copies: 1.5 },
  { name: 'stalls for half a second', rules: [{ match: BLOB, action: 'stall', delayMs: 500 }], copies: 1 },
  { name: 'tells no length', rules: [{ match: BLOB, action: 'chunked' }], copies: 1 },
  {
    name: 'is slow to its first byte',
    rules: [{ match: { kind: 'blob' }, action: 'slow-first-byte', delayMs: 700 }],
    copies: 1,
  },
  {
    name: 'cuts the connection once and ignores Range',
    rules: [
      { match: BLOB, action: 'cut', times: 1 },
      { match: BLOB, action: 'ignore-range' },
    ],
    copies: 1.5,
  },
  { name: 'redirects to a storage', rules: [], settings: { redirect: { enabled: true } }, copies: 1 },
  {
    name: 'redirects to a URL that expires before the storage cuts the connection',
    rules: [
      { match: BLOB, action: 'stall', delayMs: 600, times: 1 },
      { match: BLOB, action: 'cut', afterBytes: MIB, times: 1 },
    ],
    settings: { redirect: { enabled: true, lifetimeSeconds: 0.5 } },
    copies: 1.5,
  },
  { name: 'fails once with 500', rules: [{ match: BLOB, action: 'status', status: 500, times: 1 }], copies: 1 },
]

describe.for(TOPOLOGIES)('%s', ([, withSupernode]) => {
  // Without a supernode nobody stands between the first failure and the client.
  const survivable = SURVIVABLE.filter(({ rules }) => withSupernode || rules[0]?.action !== 'status')
  test.for(survivable)('a pull succeeds when the origin $name', async ({ rules, settings, copies }) => {
    await using cluster = await startCluster(settings)
    const nodes = await startNodes(cluster, withSupernode)
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    cluster.registry.faults.set(rules)

    await expectGood(nodes, blob)
    expect(cluster.registry.stats.snapshot().totalBlobBytes).toBeLessThanOrEqual(BLOB_BYTES * copies)
  })

  test('content that is not what its digest says is not kept', async () => {
    await using cluster = await startCluster({}, STREAMING)
    const nodes = await startNodes(cluster, withSupernode)
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    cluster.registry.faults.set([{ match: BLOB, action: 'corrupt', times: 1 }])

    // What was sent before the digest of the whole could be checked is the client's to refuse.
    await Promise.allSettled(nodes.map(node => pullBlob(node, blob)))
    await settled(nodes)
    cluster.registry.stats.reset()
    await expectGood(nodes, blob)
    expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(BLOB_BYTES)
    await settled(nodes)
    cluster.registry.stats.reset()
    await expectGood(nodes, blob)
    expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(0)
  })

  test.for([
    ['sends nothing more', (cluster: TestCluster) => cluster.registry.faults.set([...CUT_ONCE, CUT_AT_ONCE])],
    ['is gone', (cluster: TestCluster) => cluster.registry.faults.set([STALL])],
  ] as const)(
    'an origin that %s in mid-pull: clients are cut off soon, and the origin is left in peace',
    async ([name, misbehave]) => {
      await using cluster = await startCluster({}, STREAMING)
      const nodes = await startNodes(cluster, withSupernode)
      const blob = await seedBlob(cluster.registry, BLOB_BYTES)
      misbehave(cluster)
      let received = 0
      const pulls = nodes.map(node =>
        pullBlob(node, blob, {
          onBytes: bytes => {
            received = Math.max(received, bytes)
          },
        }),
      )
      const outcome = Promise.allSettled(pulls)
      if (name === 'is gone') {
        await waitFor(() => received > 0, { timeoutMs: 10_000, what: 'the first bytes' })
        await cluster.registry.stop()
      }
      expect((await outcome).map(({ status }) => status)).toEqual(nodes.map(() => 'rejected'))
      expect(cluster.registry.stats.snapshot().requests).toBeLessThan(40)

      await cluster.registry.start()
      cluster.registry.faults.clear()
      await settled(nodes)
      await expectGood(nodes, blob)
      expect(cluster.registry.stats.snapshot().totalBlobBytes).toBeLessThan(BLOB_BYTES * 1.5)
    },
  )

  test.for([
    [404, {}, 404, 'BLOB_UNKNOWN'],
    [429, { 'retry-after': '7' }, 429, 'TOOMANYREQUESTS'],
    [403, {}, 403, 'DENIED'],
    [500, {}, 404, 'BLOB_UNKNOWN'],
    [503, {}, 404, 'BLOB_UNKNOWN'],
  ] as const)('an origin that answers %i', async ([status, headers, expectedStatus, code]) => {
    await using cluster = await startCluster()
    const nodes = await startNodes(cluster, withSupernode)
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    cluster.registry.faults.set([{ match: { kind: 'blob' }, action: 'status', status, headers: { ...headers } }])

    for (const node of nodes) {
      const response = await request(`${node.url}/v2/${blob.repository}/blobs/${blob.digest}`)
      expect(response.statusCode).toBe(expectedStatus)
      expect(response.headers['content-type']).toMatch(/^application\/json/)
      expect(response.headers).toMatchObject(headers)
      expect(await response.body.json()).toMatchObject({ errors: [{ code }] })
    }
    expect(cluster.registry.stats.snapshot()).toMatchObject({ totalBlobBytes: 0 })

    cluster.registry.faults.clear()
    for (const node of nodes) {
      expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
    }
    expect(cluster.registry.stats.snapshot()).toMatchObject({ totalBlobBytes: BLOB_BYTES })
  })

  test('a registry that wants an anonymous bearer token', async () => {
    await using cluster = await startCluster({ auth: { mode: 'bearer', anonymousPull: true } })
    const nodes = await startNodes(cluster, withSupernode)
    const image = await cluster.registry.generateImage({ layers: 1, sizeBytes: MIB })
    const [layer] = image.layers
    if (layer === undefined) throw new Error('the image has no layer')

    for (const node of nodes) {
      const pulled = await pullBlob(node, { repository: image.repository, digest: layer.digest })
      expect(pulled).toMatchObject({ status: 200, digest: layer.digest })
    }
    expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(layer.sizeBytes)
  })

  test("a registry that wants a password gets the caller's, and refuses whoever has none", async () => {
    await using cluster = await startCluster({ auth: { mode: 'basic' } })
    const nodes = await startNodes(cluster, withSupernode)
    const image = await cluster.registry.generateImage({ layers: 1, sizeBytes: MIB })
    const [layer] = image.layers
    if (layer === undefined) throw new Error('the image has no layer')
    const blob = { repository: image.repository, digest: layer.digest }

    for (const node of nodes) {
      for (const headers of [{}, { authorization: 'Basic Og==' }, { authorization: `Basic ${btoa('user:wrong')}` }]) {
        const refused = await request(`${node.url}/v2/${blob.repository}/blobs/${blob.digest}`, { headers })
        expect(refused.statusCode).toBe(401)
        expect(refused.headers['www-authenticate']).toContain('Basic')
        expect(await refused.body.json()).toMatchObject({ errors: [{ code: 'UNAUTHORIZED' }] })
      }
    }
    expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(0)
    for (const node of nodes) {
      expect(await pullBlob(node, blob, { headers: BASIC })).toMatchObject({ status: 200, digest: layer.digest })
    }
    expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(layer.sizeBytes)
  })

  test("of callers at the same time, one's wrong password does not spoil the others' pulls", async () => {
    await using cluster = await startCluster({ auth: { mode: 'basic' } })
    const [node] = await startNodes(cluster, withSupernode, 1)
    if (node === undefined) throw new Error('no node')
    const image = await cluster.registry.generateImage({ layers: 1, sizeBytes: MIB })
    const digest = image.layers[0]?.digest ?? ''
    const blob = { repository: image.repository, digest }

    const wrong = { authorization: `Basic ${btoa('user:wrong')}` }
    const pulls = await Promise.all([wrong, BASIC, wrong, BASIC].map(headers => pullBlob(node, blob, { headers })))
    expect(pulls[1]).toMatchObject({ status: 200, digest })
    expect(pulls[3]).toMatchObject({ status: 200, digest })
    expect([pulls[0]?.status, pulls[2]?.status]).toEqual([401, 401])
  })
})
