import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GeneratedImage } from '../../registry-mock/image/generated-image.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { BASIC } from '../helpers/registry-mock.ts'
import { waitFor } from '../helpers/wait.ts'

const ACCOUNT = { username: 'user', password: 'password' }

let cluster: TestCluster
let image: GeneratedImage

beforeAll(async () => {
  cluster = await startCluster({ auth: { mode: 'bearer' } })
  image = await cluster.registry.generateImage({ repository: 'library/private', layers: 2, sizeBytes: 600_000 })
})

afterAll(() => cluster[Symbol.asyncDispose]())

async function register(supernode: TestProgram, source: object) {
  const digest = image.layers[0]?.digest
  const url = `${cluster.registry.url}/v2/library/private/blobs/${digest}`
  const body = JSON.stringify({ peerId: supernode.peerId, source: { url, headers: {}, digest, ...source } })
  const response = await request(`${supernode.url}/peer/registry`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })
  const answer = (await response.body.json()) as { state?: string; code?: string; message?: string }
  return { status: response.statusCode, ...answer }
}

describe('an account that comes with a registration', () => {
  test('admits, and reads the origin, once for all', async () => {
    const supernode = await cluster.supernode()
    expect(await register(supernode, {})).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
    const wrong = { credentials: { ...ACCOUNT, password: 'wrong' } }
    expect(await register(supernode, wrong)).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
    expect(await register(supernode, { credentials: ACCOUNT })).toMatchObject({ status: 200, state: 'admitted' })
    const complete = async () => {
      const tasks = (await (await request(`${supernode.url}/api/v1/tasks`)).body.json()) as { state: string }[]
      return tasks.length === 1 && tasks[0]?.state === 'complete'
    }
    await waitFor(complete, { timeoutMs: 10_000, what: 'the complete task' })
    // What one account may do says nothing of others.
    expect(await register(supernode, {})).toMatchObject({ status: 401 })
    expect(await register(supernode, wrong)).toMatchObject({ status: 401 })
    expect(cluster.registry.stats.snapshot().blobs[image.layers[0]?.digest ?? '']?.requests).toBe(1)
  })

  test('is not used beside a requester that speaks for itself', async () => {
    const supernode = await cluster.supernode()
    const both = { headers: BASIC, credentials: ACCOUNT }
    expect(await register(supernode, both)).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
  })

  test.each([
    ['of another form', { username: 'user', token: 'planted-secret' }],
    ['with too long a password', { username: 'user', password: 'planted-secret'.repeat(2_000) }],
    ['with both kinds', { ...ACCOUNT, identityToken: 'planted-secret' }],
    ['that is a text', 'user:planted-secret'],
  ])('is refused %s, without repeating it', async (_, credentials) => {
    const answer = await register(await cluster.supernode(), { credentials })
    expect(answer).toMatchObject({ status: 400, code: 'REQUEST_INVALID' })
    expect(JSON.stringify(answer)).not.toContain('planted-secret')
  })
})

describe('when the origin is down, a requester whom it let in before', () => {
  test.each([
    ['recent', 200],
    ['deny', 502],
  ] as const)('is answered according to admissionOutage %s', async (admissionOutage, status) => {
    const supernode = await cluster.supernode({ admissionOutage, admissionLifetimeSeconds: '0' })
    expect(await register(supernode, { credentials: ACCOUNT })).toMatchObject({ status: 200 })
    cluster.registry.faults.set([{ match: { kind: 'blob' }, action: 'status', status: 503 }])
    try {
      expect(await register(supernode, { credentials: ACCOUNT })).toMatchObject({ status })
      const other = { credentials: { ...ACCOUNT, username: 'nobody' } }
      expect((await register(supernode, other)).status).not.toBe(200)
    } finally {
      cluster.registry.faults.clear()
    }
  })
})
