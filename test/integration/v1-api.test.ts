import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VERSION } from '../../lib/version.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'
import { waitFor } from '../helpers/wait.ts'

interface V1Peer {
  readonly ID: string
  readonly id: string
  readonly port: number
  readonly created: string
}

let cluster: TestCluster
let supernode: TestProgram
let nodes: TestProgram[]
let blob: TestBlob

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode()
  nodes = await cluster.dfdaemons(3, { supernode: supernode.url })
  blob = await seedBlob(cluster.registry, 600_000)
  for (const node of nodes) await pullBlob(node, blob)
  await waitFor(async () => (await peers()).length === nodes.length, { timeoutMs: 10_000, what: 'all nodes' })
})

afterAll(() => cluster[Symbol.asyncDispose]())

async function ask(path: string, method: 'GET' | 'DELETE' = 'GET') {
  const { statusCode, body } = await request(`${supernode.url}${path}`, { method })
  const text = await body.text()
  return { status: statusCode, json: text === '' || text === 'OK' ? text : JSON.parse(text) }
}

const peers = async (query = ''): Promise<V1Peer[]> => (await ask(`/api/v1/peers${query}`)).json

describe('GET /version', () => {
  test('has what v1 says of itself, as far as there is any', async () => {
    const { json } = await ask('/version')
    const architectures = process.arch === 'x64' ? 'amd64' : process.arch
    expect(json).toMatchObject({ version: VERSION, Version: VERSION, OS: process.platform, Arch: architectures })
  })
})

describe('GET /api/v1/peers', () => {
  test('shows each peer in both forms', async () => {
    const shown = await peers()
    expect(shown.map(({ ID }) => ID).toSorted()).toEqual(nodes.map(({ peerId }) => peerId).toSorted())
    for (const peer of shown) {
      expect(peer).toMatchObject({
        id: peer.ID,
        IP: '127.0.0.1',
        hostName: '127.0.0.1',
        port: expect.any(Number),
        version: VERSION,
        addresses: [`/ip4/127.0.0.1/tcp/${peer.port}`],
        labels: {},
        tasks: expect.any(Array),
      })
      expect(new Date(peer.created).toISOString()).toBe(peer.created)
      expect(Math.abs(Date.parse(peer.created) - Date.now())).toBeLessThan(60_000)
    }
  })

  test('pages and sorts', async () => {
    const sorted = nodes.map(({ peerId }) => peerId).toSorted()
    const ids = async (query: string) => (await peers(query)).map(({ ID }) => ID)
    expect(await ids('?sortKey=ID')).toEqual(sorted)
    expect(await ids('?sortKey=IP&sortKey=ID&sortDirect=ASC&pageSize=2&pageNum=1')).toEqual(sorted.slice(2))
    const ports = (await peers('?sortKey=port&sortDirect=DESC')).map(({ port }) => port)
    expect(ports).toEqual(ports.toSorted((one, other) => other - one))
    expect(await ids('?pageSize=2&pageNum=2')).toEqual([])
  })

  test.for([
    ['pageNum=-1', 'query/pageNum must be >= 0'],
    ['pageNum=x', 'query/pageNum must be integer'],
    ['pageSize=1.5', 'query/pageSize must be integer'],
    ['pageSize=99999999', 'query/pageSize must be <= 1000000'],
    ['sortKey=size', 'query/sortKey/0 must be one of ID, IP, hostName, port, version, created'],
    ['sortDirect=up', 'query/sortDirect must be one of ASC, DESC'],
    ['pagesize=5', 'query/pagesize is not known, only pageNum, pageSize, sortKey, sortDirect'],
  ])('refuses %s', async ([query, message]) => {
    expect(await ask(`/api/v1/peers?${query}`)).toEqual({
      status: 400,
      json: { code: 'REQUEST_INVALID', message: `the request is malformed: ${message}` },
    })
  })
})

describe('/api/v1/tasks/{id}', () => {
  test('shows a task in both forms, whichever way its id is written', async () => {
    const { status, json } = await ask(`/api/v1/tasks/${blob.digest}`)
    expect([status, json]).toEqual([
      200,
      {
        id: blob.digest,
        state: 'complete',
        sizeBytes: 600_000,
        blockSizeBytes: 256 * 1024,
        storedBytes: 600_000,
        peers: expect.any(Number),
        small: false,
        imported: false,
        pinned: false,
        replicas: { wanted: 0, kept: 0, underWay: 0 },
        holders: expect.any(Array),
        ID: blob.digest,
        fileLength: 600_000,
        httpFileLength: 600_000,
        pieceSize: 256 * 1024,
        pieceTotal: 3,
        cdnStatus: 'SUCCESS',
      },
    ])
    expect((await ask(`/api/v1/tasks/${encodeURIComponent(blob.digest)}`)).json).toMatchObject({ ID: blob.digest })
  })

  test('tells nothing of where the content is from', async () => {
    const password = 'pass-word-of-the-origin'
    const origin = cluster.registry.url.replace('://', `://somebody:${password}@`)
    const other = await seedBlob(cluster.registry, 1_000, { seed: 'secret' })
    const url = `${origin}/v2/${other.repository}/blobs/${other.digest}?signature=${password}`
    const registration = await request(`${supernode.url}/peer/registry`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        peerId: nodes[0]?.peerId,
        source: { url, headers: { 'x-secret': password }, digest: other.digest },
      }),
    })
    const text = await registration.body.text()
    expect([registration.statusCode, text.includes(password)]).toEqual([200, false])
    const { status, json } = await ask(`/api/v1/tasks/${other.digest}`)
    expect(status).toBe(200)
    expect(JSON.stringify([json, (await ask('/api/v1/tasks')).json])).not.toContain(password)
  })

  test('deletes, with and without "full"', async () => {
    for (const query of ['?full=false', '?full=true', '']) {
      const doomed = await seedBlob(cluster.registry, 1_000, { seed: `doomed${query}` })
      await pullBlob(nodes[0] as TestProgram, doomed)
      const path = `/api/v1/tasks/${encodeURIComponent(doomed.digest)}`
      expect(await ask(`${path}${query}`, 'DELETE')).toEqual({ status: 204, json: '' })
      expect((await ask(path)).status).toBe(404)
    }
  })

  test('refuses a "full" that is neither, and deletes nothing', async () => {
    const path = `/api/v1/tasks/${blob.digest}`
    const { status, json } = await ask(`${path}?full=yes`, 'DELETE')
    expect([status, json.message]).toEqual([400, 'the request is malformed: query/full must be boolean'])
    expect((await ask(path)).status).toBe(200)
  })
})

describe('/v{version} in front of a path', () => {
  test.for(['/v1.0.6', '/v1', '/v0.4.0'])('%s makes no difference', async prefix => {
    for (const path of ['/_ping', '/version', '/api/v1/cluster', '/api/v1/limits']) {
      const { status, json } = await ask(`${prefix}${path}`)
      // The supernode's clock goes on between two answers.
      const now = json.now === undefined ? {} : { now: expect.any(Number) }
      expect(await ask(path)).toEqual({ status, json: typeof json === 'string' ? json : { ...json, ...now } })
    }
    expect((await ask(`${prefix}/api/v1/peers`)).json).toHaveLength(nodes.length)
    expect((await ask(`${prefix}/api/v1/tasks/${blob.digest}`)).json).toMatchObject({ ID: blob.digest })
  })

  test.for(['/vx/version', '/v1/v1/version', '/v1.0.6'])('%s is no route', async path => {
    expect((await ask(path)).json).toMatchObject({ code: 'ROUTE_UNKNOWN' })
  })
})

test('fields that only differ in upper and lower case say the same, because Go takes one for the other', async () => {
  const answers = ['/version', '/api/v1/peers', `/api/v1/tasks/${blob.digest}`].map(
    async path => (await ask(path)).json,
  )
  for (const answer of (await Promise.all(answers)).flat()) {
    const values = new Map<string, unknown>()
    for (const [name, value] of Object.entries(answer as object)) {
      const key = name.toLowerCase()
      expect(values.get(key) ?? value).toEqual(value)
      values.set(key, value)
    }
  }
})
