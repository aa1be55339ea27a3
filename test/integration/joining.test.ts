import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { joinCluster } from '../../dfget/peer/cluster/join-cluster.ts'
import { createTokenClient } from '../../lib/http/access/tokens/token-client.ts'
import { requestApi, urlEndpoint } from '../../lib/http/client/api-endpoint.ts'
import { loadOrCreateSeed } from '../../lib/p2p/identity.ts'
import { peerCertificate } from '../../lib/tls/cluster-certificates.ts'
import { createClusterDispatcher } from '../../lib/tls/cluster-dispatcher.ts'
import { keysOfSeed } from '../../protocol/ed25519-seed.ts'
import { formatToken, parseToken } from '../../protocol/token.ts'
import { createOperatorClient } from '../../supernode/client/operator-client.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { joinToken, makeToken, ownersApi } from '../helpers/join.ts'
import { startProcess } from '../helpers/process.ts'
import { programMain } from '../helpers/program-main.ts'
import { pullBlob } from '../helpers/pull.ts'
import { waitFor } from '../helpers/wait.ts'

const SECURE = { trial: 'false' }
const LOOPBACK_ALLOWED = {
  'requests.failedAttempts.perSecond': '0',
  'outbound.allowNetworks': '127.0.0.0/8',
  'outbound.schemes': 'http,https',
}
const PATIENCE = { timeoutMs: 10_000 }
const signal = () => AbortSignal.timeout(PATIENCE.timeoutMs)

let cluster: TestCluster
let supernode: TestProgram
let directories = 0

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode({ ...SECURE, ...LOOPBACK_ALLOWED, 'outbound.allowPorts': '1-65535' })
})

afterAll(() => cluster[Symbol.asyncDispose]())

const operator = () => createOperatorClient(ownersApi('supernode', supernode.dataDir))

async function newDirectory(): Promise<string> {
  const path = join(supernode.dataDir, '..', `joining-${directories++}`)
  await mkdir(path, { mode: 0o700 })
  return path
}

async function joinFrom(dataDir: string, token: string) {
  const init = { supernode: supernode.url, token, dataDir, name: 'a node', temporary: false }
  return joinCluster(init, { signal: signal() })
}

/** A dfdaemon that has joined. */
async function startMember(): Promise<TestProgram> {
  const dataDir = await newDirectory()
  await joinFrom(dataDir, await joinToken(supernode))
  return cluster.dfdaemon({ ...SECURE, dataDir })
}

async function isLinked(peer: string): Promise<boolean> {
  return (await operator().members({ signal: signal() })).some(({ id, linked }) => id === peer && linked)
}

/** Bytes that a node's downloads had from the origin. */
async function originBytes(node: TestProgram): Promise<number> {
  const answer = await requestApi(ownersApi('dfdaemon', node.dataDir), '/api/v1/tasks')
  const tasks = (await answer.body.json()) as { account: { originBytes: number } }[]
  return tasks.reduce((sum, { account }) => sum + account.originBytes, 0)
}

/** Asks the supernode as the holder of the key in a data directory, or as a stranger. */
async function askAs(dataDir: string | undefined, path: string, body?: object) {
  const seed = dataDir === undefined ? undefined : await loadOrCreateSeed(dataDir, 'peer')
  const { clusterKey = '' } = parseToken(await joinToken(supernode)) ?? {}
  const certificate = seed && (await peerCertificate(keysOfSeed(seed)))
  const dispatcher = createClusterDispatcher({ clusterKey, certificate })
  try {
    const options = {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    } as const
    const answer = await request(`${supernode.url}${path}`, { dispatcher, ...(body === undefined ? {} : options) })
    return { status: answer.statusCode, body: (await answer.body.json()) as { code?: string; message?: string } }
  } finally {
    await dispatcher.destroy()
  }
}

describe('nodes that have joined', () => {
  test('pull through the swarm, and the registry gives one copy', async () => {
    const blob = await seedBlob(cluster.registry, 3_000_000)
    const nodes = await Promise.all([startMember(), startMember(), startMember()])
    for (const node of nodes) await waitFor(() => isLinked(node.peerId), { ...PATIENCE, what: 'the link of a member' })
    for (const node of nodes) expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
    expect(cluster.registry.stats.snapshot().blobs[blob.digest]?.bytesSent).toBe(blob.bytes.length)
    for (const node of nodes) expect(await originBytes(node)).toBe(0)
  })

  test('come back after a restart, of their own and of the supernode', async () => {
    const first = await startMember()
    await waitFor(() => isLinked(first.peerId), { ...PATIENCE, what: 'the link of a member' })
    await first.stop()
    await waitFor(async () => !(await isLinked(first.peerId)), { ...PATIENCE, what: 'the end of the link' })
    const again = await cluster.dfdaemon({ ...SECURE, dataDir: first.dataDir })
    expect(again.peerId).toBe(first.peerId)
    await waitFor(() => isLinked(again.peerId), { ...PATIENCE, what: 'the link after the restart' })
  })

  test('keep what they have joined for themselves', async () => {
    const { dataDir } = await startMember()
    for (const file of ['cluster.json', 'peer.key']) {
      expect([file, (await stat(join(dataDir, file))).mode & 0o777]).toEqual([file, 0o600])
    }
  })

  test('register for themselves only', async () => {
    const blob = await seedBlob(cluster.registry, 1_000)
    const [one, other] = await Promise.all([startMember(), startMember()])
    const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
    const wish = (peerId: string) => ({ peerId, source: { url, headers: {}, digest: blob.digest } })
    expect(await askAs(one.dataDir, '/peer/registry', wish(one.peerId))).toMatchObject({ status: 200 })
    expect(await askAs(one.dataDir, '/peer/registry', wish(other.peerId))).toMatchObject({
      status: 403,
      body: { code: 'DENIED', message: expect.stringContaining(`cannot register for ${other.peerId}`) },
    })
  })
})

describe('whoever has not joined', () => {
  test('gets nothing of the supernode, with a key of its own or without', async () => {
    const wish = {
      peerId: '12D3KooWBneUNy94KtnMmDLc3wn6YtStE3VDvh3zF4VwRwW2V82w',
      source: { url: 'https://h/', headers: {} },
    }
    for (const dataDir of [undefined, await newDirectory()]) {
      expect(await askAs(dataDir, '/peer/registry', wish)).toMatchObject({ status: 401 })
      expect(await askAs(dataDir, '/api/v1/cluster')).toMatchObject({ status: 401 })
      expect(await askAs(dataDir, '/api/v1/tasks')).toMatchObject({ status: 401 })
    }
    expect(await askAs(await newDirectory(), '/api/v1/members/renew', {})).toMatchObject({
      status: 403,
      body: { code: 'NOT_A_MEMBER' },
    })
    expect(await askAs(undefined, '/api/v1/members/renew', {})).toMatchObject({ status: 401 })
  })

  test('does not start as if it had', async () => {
    await expect(cluster.dfdaemon({ ...SECURE, supernode: supernode.url })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`this node has not joined ${supernode.url}: run "dfdaemon join `),
    })
  })
})

describe('a token', () => {
  test('lets in as many nodes as it says', async () => {
    const { token } = await makeToken(supernode, { role: 'node', uses: 2 })
    await joinFrom(await newDirectory(), token)
    await joinFrom(await newDirectory(), token)
    await expect(joinFrom(await newDirectory(), token)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })

  test('of another secret, another role, or taken back, lets in nobody', async () => {
    const made = await makeToken(supernode, { role: 'node' })
    const parsed = parseToken(made.token)
    const forged = formatToken({ id: made.id, secret: randomBytes(24).toString('hex'), clusterKey: parsed?.clusterKey })
    await expect(joinFrom(await newDirectory(), forged)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await createTokenClient(ownersApi('supernode', supernode.dataDir), 'SUPERNODE_UNREACHABLE').revoke(made.id)
    await expect(joinFrom(await newDirectory(), made.token)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    const { token: viewing } = await makeToken(supernode, { role: 'viewer' })
    await expect(joinFrom(await newDirectory(), viewing)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })

  test('is in the audit log by what it let in, and by what it did not', async () => {
    const dataDir = await newDirectory()
    const { token } = await makeToken(supernode, { role: 'node' })
    const { peerId } = await joinFrom(dataDir, token)
    const stranger = await newDirectory()
    await expect(joinFrom(stranger, token)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    const log = await readFile(join(supernode.dataDir, 'audit.log'), 'utf8')
    const joins = log
      .split('\n')
      .filter(line => line.includes('POST /api/v1/members"'))
      .map(line => JSON.parse(line) as { target: string; outcome: { status: number } })
    expect(joins).toContainEqual(expect.objectContaining({ target: peerId, outcome: { status: 201 } }))
    expect(joins.at(-1)).toMatchObject({ outcome: { status: 401, code: 'UNAUTHORIZED' } })
    expect(log).not.toContain(token)
  })

  test('of another cluster is not shown to this supernode', async () => {
    const { secret = '', id = '' } = parseToken(await joinToken(supernode)) ?? {}
    const clusterKey = keysOfSeed(randomBytes(32)).publicKey
    await expect(joinFrom(await newDirectory(), formatToken({ id, secret, clusterKey }))).rejects.toMatchObject({
      code: 'SUPERNODE_UNREACHABLE',
      message: expect.stringContaining('not of this cluster'),
    })
  })

  test.runIf(process.platform === 'linux')('of a command line is taken off the list of processes', async () => {
    const server = createServer(socket => onTestFinished(() => void socket.destroy()))
    onTestFinished(() => void server.close())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const token = await joinToken(supernode)
    const args = ['join', `https://127.0.0.1:${port}`, '--token', token, '--data-dir', await newDirectory()]
    await using joining = await startProcess('node', [programMain('dfdaemon'), ...args])
    await once(server, 'connection')
    const { secret = '' } = parseToken(token) ?? {}
    expect(await readFile(`/proc/${joining.pid}/cmdline`, 'utf8')).not.toContain(secret)
  })

  test('is refused where it is none, and for a supernode without TLS', async () => {
    const init = { supernode: supernode.url, dataDir: await newDirectory(), name: '', temporary: false }
    await expect(joinCluster({ ...init, token: 'secret' }, { signal: signal() })).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
    })
    const token = await joinToken(supernode)
    const plain = { ...init, supernode: supernode.url.replace('https:', 'http:'), token }
    await expect(joinCluster(plain, { signal: signal() })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  test('for the API is a proof over TLS, and the key in it pins the supernode', async () => {
    const { token } = await makeToken(supernode, { role: 'viewer' })
    const answer = await requestApi(urlEndpoint(supernode.url, token), '/api/v1/members')
    expect(answer.statusCode).toBe(200)
    await answer.body.dump()
    const { secret = '', id = '' } = parseToken(token) ?? {}
    const clusterKey = keysOfSeed(randomBytes(32)).publicKey
    const elsewhere = urlEndpoint(supernode.url, formatToken({ id, secret, clusterKey }))
    await expect(requestApi(elsewhere, '/api/v1/members')).rejects.toThrow(/not of this cluster/)
  })
})

test("the cluster's certificate in the supernode's data directory is what others know its API by", async () => {
  const ca = await readFile(join(supernode.dataDir, 'cluster.crt'), 'utf8')
  const trusting = new Agent({ connect: { ca } })
  onTestFinished(() => trusting.destroy())
  const answer = await request(`${supernode.url}/version`, { dispatcher: trusting })
  expect(await answer.body.json()).toMatchObject({ name: 'supernode' })
})

describe('a node that is revoked', () => {
  test('is out of every swarm within 10 s, pulls from the registry, and comes back only by a new token', async () => {
    const blob = await seedBlob(cluster.registry, 2_000_000)
    const [node, other] = await Promise.all([startMember(), startMember()])
    for (const { peerId } of [node, other]) await waitFor(() => isLinked(peerId), { ...PATIENCE, what: 'the link' })
    await pullBlob(node, blob)

    const revokedAt = performance.now()
    await operator().revoke(node.peerId, { signal: signal() })
    await waitFor(async () => !(await isPeerListed(node.peerId)), { ...PATIENCE, what: 'the end of its link' })
    expect(performance.now() - revokedAt).toBeLessThan(10_000)
    expect(await askAs(node.dataDir, '/api/v1/members/renew', {})).toMatchObject({ status: 403 })
    expect(await askAs(node.dataDir, '/api/v1/cluster')).toMatchObject({ status: 401 })

    // What nobody else has: it gets it from the registry.
    const next = await seedBlob(cluster.registry, 2_000_001)
    expect(await pullBlob(node, next)).toMatchObject({ status: 200, digest: next.digest })
    expect(await originBytes(node)).toBeGreaterThanOrEqual(next.bytes.length)
    expect(await pullBlob(other, blob)).toMatchObject({ status: 200, digest: blob.digest })

    await expect(operator().revoke(node.peerId, { signal: signal() })).rejects.toMatchObject({ code: 'PEER_UNKNOWN' })
    await node.stop()
    await joinFrom(node.dataDir, await joinToken(supernode))
    const back = await cluster.dfdaemon({ ...SECURE, dataDir: node.dataDir })
    await waitFor(() => isLinked(back.peerId), { ...PATIENCE, what: 'the link of the node that is back' })
  })
})

describe('the blocklist', () => {
  test('keeps a peer out until it is taken off, and says why', async () => {
    const node = await startMember()
    await waitFor(() => isLinked(node.peerId), { ...PATIENCE, what: 'the link' })
    await operator().block(node.peerId, 'it lies', { signal: signal() })
    expect(await operator().blocked({ signal: signal() })).toContainEqual(
      expect.objectContaining({ id: node.peerId, kind: 'peer', reason: 'it lies', by: 'socket operator' }),
    )
    await waitFor(async () => !(await isPeerListed(node.peerId)), { ...PATIENCE, what: 'the end of its link' })
    expect(await askAs(node.dataDir, '/api/v1/members/renew', {})).toMatchObject({ status: 403 })
    await expect(joinFrom(node.dataDir, await joinToken(supernode))).rejects.toMatchObject({ code: 'DENIED' })
    await operator().unblock(node.peerId, { signal: signal() })
    await waitFor(() => isLinked(node.peerId), { timeoutMs: 25_000, what: 'the link of a peer that is unblocked' })
    await expect(operator().unblock(node.peerId, { signal: signal() })).rejects.toMatchObject({ code: 'NOT_BLOCKED' })
  })

  test('keeps content from everybody, on nodes that have it too', async () => {
    const blob = await seedBlob(cluster.registry, 700_000)
    const [node, other] = await Promise.all([startMember(), startMember()])
    for (const { peerId } of [node, other]) await waitFor(() => isLinked(peerId), { ...PATIENCE, what: 'the link' })
    await pullBlob(node, blob)
    await operator().block(blob.digest, 'malware', { signal: signal() })
    for (const each of [node, other]) {
      await waitFor(async () => (await pullBlob(each, blob)).status === 403, { ...PATIENCE, what: 'a refusal' })
    }
    const stored = async () => (await requestApi(ownersApi('dfdaemon', node.dataDir), '/api/v1/store')).body.text()
    await waitFor(async () => !(await stored()).includes(blob.digest), { ...PATIENCE, what: 'the end of the content' })
    const put = { method: 'PUT', body: Buffer.from(blob.bytes) } as const
    const again = await requestApi(ownersApi('supernode', supernode.dataDir), `/api/v1/tasks/${blob.digest}`, put)
    expect([again.statusCode, await again.body.json()]).toMatchObject([403, { code: 'TASK_BLOCKED' }])
    await operator().unblock(blob.digest, { signal: signal() })
    await waitFor(async () => (await pullBlob(node, blob)).digest === blob.digest, { ...PATIENCE, what: 'the content' })
  })
})

/** Whether a peer has a control stream. */
async function isPeerListed(peer: string): Promise<boolean> {
  const answer = await requestApi(ownersApi('supernode', supernode.dataDir), '/api/v1/peers')
  return ((await answer.body.json()) as { id: string }[]).some(({ id }) => id === peer)
}
