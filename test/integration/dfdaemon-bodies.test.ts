import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { RegistryMockSettings } from '../../registry-mock/config.ts'
import type { FaultRule } from '../../registry-mock/faults.ts'
import { type Answer, ask, ociCodeOf } from '../helpers/ask.ts'
import { seedBlob, seededBytes, type TestBlob } from '../helpers/blob.ts'
import { onlyTask, startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { readMetric } from '../helpers/pull.ts'
import { pushBlob } from '../helpers/registry-mock.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const BLOB_BYTES = 2 * MIB + 77
const BLOB = { kind: 'blob', method: 'GET' } as const

const urlOf = (node: TestProgram, { repository, digest }: Omit<TestBlob, 'bytes'>) =>
  `${node.url}/v2/${repository}/blobs/${digest}`

function expectWhole({ status, headers, body }: Answer, { digest, bytes }: Omit<TestBlob, 'repository'>): void {
  expect([status, headers['content-length'] ?? String(bytes.length)]).toEqual([200, String(bytes.length)])
  expect(headers['docker-content-digest']).toBe(digest)
  expect(body.equals(bytes)).toBe(true)
}

async function completed(node: TestProgram): Promise<void> {
  const complete = async () => (await onlyTask(node)).state === 'complete'
  await waitFor(complete, { timeoutMs: 10_000, what: 'the whole blob' })
}

describe('blobs of every kind come from peers where one has them', () => {
  test.for([
    ['sha512', BLOB_BYTES, 'sha512'],
    ['sha256', BLOB_BYTES, 'sha256'],
    ['no bytes', 0, 'sha256'],
    ['no bytes, by sha512', 0, 'sha512'],
    ['one byte', 1, 'sha512'],
  ] as const)('%s', async ([, sizeBytes, algorithm]) => {
    await using cluster = await startCluster()
    const supernode = await cluster.supernode()
    const [first, second] = (await cluster.dfdaemons(2, { supernode: supernode.url })) as [TestProgram, TestProgram]
    const bytes = seededBytes(sizeBytes)
    const digest = await pushBlob(cluster.registry, 'library/test', bytes, algorithm)
    const blob = { repository: 'library/test', digest, bytes }

    expectWhole(await ask(urlOf(first, blob)), blob)
    await completed(first)
    cluster.registry.stats.reset()
    const uploaded = await readMetric(supernode, 'damselfly_supernode_uploaded_bytes_total')
    for (const _ of ['cold', 'warm']) expectWhole(await ask(urlOf(second, blob)), blob)
    expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(0)
    expect(await readMetric(second, 'damselfly_peer_origin_bytes_total')).toBe(0)
    const fromSupernode = (await readMetric(supernode, 'damselfly_supernode_uploaded_bytes_total')) - uploaded
    const fromFirst = await readMetric(first, 'damselfly_peer_uploaded_bytes_total')
    // At the end the last blocks may be asked for twice.
    expect(fromSupernode + fromFirst).toBeGreaterThanOrEqual(sizeBytes)
  })
})

interface Trouble {
  readonly name: string
  readonly rules: readonly FaultRule[]
  readonly settings?: RegistryMockSettings
}

const TROUBLES: readonly Trouble[] = [
  { name: 'is good', rules: [] },
  { name: 'ignores Range', rules: [{ match: BLOB, action: 'ignore-range' }] },
  { name: 'tells no length', rules: [{ match: BLOB, action: 'chunked' }] },
  { name: 'cuts the connection', rules: [{ match: BLOB, action: 'cut', afterBytes: MIB / 2, times: 2 }] },
  {
    name: 'redirects to URLs that expire in mid-transfer',
    rules: [
      { match: BLOB, action: 'stall', afterBytes: MIB / 4, delayMs: 600, times: 1 },
      { match: BLOB, action: 'cut', afterBytes: MIB / 4, times: 1 },
    ],
    settings: { redirect: { enabled: true, lifetimeSeconds: 0.5 } },
  },
]

describe.for([
  ['from the registry', {}, false],
  ['through the swarm', {}, true],
  ['past the swarm', { p2p: false }, false],
] as const)('ranges of a blob %s', ([, upstream, withSupernode]) => {
  async function start(settings?: RegistryMockSettings): Promise<{ cluster: TestCluster; node: TestProgram }> {
    const cluster = await startCluster(settings)
    const supernode = withSupernode ? (await cluster.supernode()).url : ''
    const upstreams = { [cluster.registry.host]: upstream }
    return { cluster, node: await cluster.dfdaemon({ supernode }, { upstreams }) }
  }

  let shared: Awaited<ReturnType<typeof start>>

  beforeAll(async () => {
    shared = await start()
  })

  afterAll(() => shared.cluster[Symbol.asyncDispose]())

  test.for(TROUBLES)('when the origin $name', async ({ name, rules, settings }) => {
    const { cluster, node } = settings === undefined ? shared : await start(settings)
    if (settings !== undefined) onTestFinished(() => cluster[Symbol.asyncDispose]())
    const blob = await seedBlob(cluster.registry, BLOB_BYTES, { seed: name })
    cluster.registry.faults.set(rules)
    const ranges = [
      [BLOB_BYTES - 9, BLOB_BYTES],
      [MIB + 1, BLOB_BYTES],
      [300_000, 300_001],
      [0, BLOB_BYTES],
    ] as const
    const untold = !withSupernode && rules.some(({ action }) => action === 'chunked')
    // Cold, each comes while the blob is still arriving for the others.
    for (const when of ['cold', 'warm']) {
      const asked = ranges.map(([start, end]) =>
        ask(urlOf(node, blob), { headers: { range: `bytes=${start}-${end === BLOB_BYTES ? '' : end - 1}` } }),
      )
      for (const [index, answer] of (await Promise.all(asked)).entries()) {
        const [start, end] = ranges[index] ?? [0, 0]
        // Of content whose length nobody tells, no part can be named; the client gets the whole.
        if (answer.status === 200 && untold && when === 'cold') {
          expectWhole(answer, blob)
          continue
        }
        expect([answer.status, answer.headers['content-range']]).toEqual([
          206,
          `bytes ${start}-${end - 1}/${BLOB_BYTES}`,
        ])
        expect(answer.body.equals(blob.bytes.subarray(start, end))).toBe(true)
      }
    }
    expectWhole(await ask(urlOf(node, blob)), blob)
  })
})

describe.concurrent.for([
  ['without a supernode', false],
  ['with a supernode', true],
] as const)('before the first byte, %s', ([, withSupernode]) => {
  async function start(cluster: TestCluster): Promise<TestProgram> {
    return cluster.dfdaemon(withSupernode ? { supernode: (await cluster.supernode()).url } : {})
  }

  test('no header goes out while the origin has sent its own headers only', async () => {
    await using cluster = await startCluster()
    const node = await start(cluster)
    const [blob, other] = [
      await seedBlob(cluster.registry, BLOB_BYTES),
      await seedBlob(cluster.registry, 5_000, { seed: 'b' }),
    ]
    cluster.registry.faults.set([
      { match: { ...BLOB, digest: blob.digest }, action: 'stall', afterBytes: 0, delayMs: 1_000 },
    ])
    let answered = false
    const answer = request(urlOf(node, blob)).then(response => {
      answered = true
      return response
    })
    const isAsked = () => (cluster.registry.stats.snapshot().blobs[blob.digest]?.requests ?? 0) > 0
    await waitFor(isAsked, { timeoutMs: 10_000, what: 'the request at the origin' })
    // Whatever the daemon could send by now would be here with this.
    expectWhole(await ask(urlOf(node, other)), other)
    expect(answered).toBe(false)
    const { statusCode, body } = await answer
    expect([statusCode, (await body.arrayBuffer()).byteLength]).toEqual([200, BLOB_BYTES])
  })

  test('an origin whose bodies never begin is a 404 that names it', async () => {
    await using cluster = await startCluster()
    const node = await start(cluster)
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    cluster.registry.faults.set([{ match: BLOB, action: 'cut', afterBytes: 0 }])
    const refused = await ask(urlOf(node, blob))
    expect([refused.status, ociCodeOf(refused)]).toEqual([404, 'BLOB_UNKNOWN'])
    expect(refused.body.toString()).toContain(cluster.registry.host)
    expect(cluster.registry.stats.snapshot().requests).toBeLessThan(40)
    cluster.registry.faults.clear()
    expectWhole(await ask(urlOf(node, blob)), blob)
  })

  test('a blob whose first block is its last is checked before any of it goes out', async () => {
    await using cluster = await startCluster()
    const node = await start(cluster)
    const blob = await seedBlob(cluster.registry, 3_000)
    cluster.registry.faults.set([{ match: BLOB, action: 'corrupt', afterBytes: 5 }])
    for (const headers of [{}, { range: 'bytes=0-' }] as Record<string, string>[]) {
      const refused = await ask(urlOf(node, blob), { headers })
      expect([refused.status, ociCodeOf(refused)]).toEqual([404, 'BLOB_UNKNOWN'])
    }
    cluster.registry.faults.clear()
    expectWhole(await ask(urlOf(node, blob)), blob)
  })
})
