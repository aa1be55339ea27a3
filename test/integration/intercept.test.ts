import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProxyAgent, request } from 'undici'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createAnswerContent } from '../../dfdaemon/intercept/answer-content.ts'
import { PullLog } from '../../dfdaemon/pulls/pull-log.ts'
import { DfgetConfig } from '../../dfget/config.ts'
import { createDfget } from '../../dfget/create-dfget.ts'
import { systemClock } from '../../lib/clock.ts'
import { loadConfig } from '../../lib/config/load-config.ts'
import { silentLogger } from '../../lib/logger.ts'
import { AccessCheck } from '../../lib/origin/access.ts'
import { createUpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../../lib/origin/http-origin.ts'
import { digestOf } from '../../protocol/digest.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { trialPolicy } from '../helpers/outbound.ts'
import { BASIC } from '../helpers/registry-mock.ts'
import { waitFor } from '../helpers/wait.ts'
import { exchange, scratch, startProxy, type TestProxy } from '../unit/dfdaemon/intercept/intercept-fixture.ts'

const REPOSITORY = 'library/test'
const BLOB_BYTES = 5 * 1024 * 1024 + 17
/** What clients believe to pull from. It is never looked up: the proxies send its requests to the registry of the test. */
const HOST = 'registry.example'

let cluster: TestCluster
let blob: TestBlob

beforeEach(async () => {
  cluster = await startCluster()
  blob = await seedBlob(cluster.registry, BLOB_BYTES, { repository: REPOSITORY })
})

afterEach(() => cluster[Symbol.asyncDispose]())

/** A node: a peer of the swarm, and a proxy in front of it. */
async function startNode(supernode: string): Promise<TestProxy & { ca: string; sent(): number }> {
  const path = await scratch()
  const settings = loadConfig('dfget', DfgetConfig, { flags: { supernode } })
  const { peer, ...dfget } = await createDfget(settings, { path: join(path, 'peer'), kept: 'always' }, silentLogger())
  onTestFinished(() => dfget.stop())
  await dfget.start()
  const fetcher = createUpstreamFetcher({ logger: silentLogger() }, { outbound: trialPolicy() })
  onTestFinished(() => fetcher.stop())
  const access = new AccessCheck(
    { origin: createHttpOrigin({ fetcher }), clock: systemClock },
    { lifetimeMs: 60_000, outage: 'deny', recentMs: 0 },
  )
  let sent = 0
  const account = {
    blobBytes(bytes: number) {
      sent += bytes
    },
  }
  const proxy = await startProxy({
    dataDir: path,
    answerContent: createAnswerContent({
      peer,
      access,
      pulls: new PullLog({ clock: systemClock, logger: silentLogger() }),
      account,
      checkedFirstBytes: 0,
    }),
    config: {
      hosts: [HOST, cluster.registry.host],
      rules: [
        { regex: `^https://${HOST}/`, action: 'redirect', redirect: cluster.registry.url, forwardCredentials: true },
      ],
    },
  })
  return { ...proxy, sent: () => sent, ca: await readFile(`${proxy.directory}/ca.crt`, 'utf8') }
}

async function pull({ port, ca }: { port: number; ca: string }, path: string, headers: Record<string, string> = {}) {
  const dispatcher = new ProxyAgent({ uri: `http://127.0.0.1:${port}`, requestTls: { ca } })
  onTestFinished(() => dispatcher.destroy())
  const response = await request(`https://${HOST}${path}`, { dispatcher, headers })
  return { status: response.statusCode, body: Buffer.from(await response.body.arrayBuffer()) }
}

test('nodes that pull over intercepted HTTPS at once cost the registry one copy', async () => {
  const supernode = await cluster.supernode()
  const nodes = await Promise.all([startNode(supernode.url), startNode(supernode.url), startNode(supernode.url)])
  const path = `/v2/${REPOSITORY}/blobs/${blob.digest}`
  const pulled = await Promise.all(nodes.map(node => pull(node, path)))
  for (const { status, body } of pulled) expect([status, digestOf(body)]).toEqual([200, blob.digest])
  expect(cluster.registry.stats.snapshot().blobs[blob.digest]?.bytesSent).toBe(BLOB_BYTES)
  // Bytes are counted when the kernel has them, which the client may know first.
  await waitFor(() => nodes.every(node => node.sent() === BLOB_BYTES), { timeoutMs: 5_000 })
})

test('blobs of a plain http registry come through the swarm too', async () => {
  const supernode = await cluster.supernode()
  const node = await startNode(supernode.url)
  const { host } = cluster.registry
  const path = `http://${host}/v2/${REPOSITORY}/blobs/${blob.digest}`
  const answer = await exchange(
    node.port,
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nRange: bytes=0-9\r\nConnection: close\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 206 /)
  expect(answer).toMatch(new RegExp(`content-range: bytes 0-9/${BLOB_BYTES}`, 'i'))
  await waitFor(() => node.sent() === 10, { timeoutMs: 5_000 })
})

test('without a supernode a pull goes on from the registry', async () => {
  const node = await startNode('http://127.0.0.1:1')
  const { status, body } = await pull(node, `/v2/${REPOSITORY}/blobs/${blob.digest}`)
  expect([status, digestOf(body)]).toEqual([200, blob.digest])
})

test('a blob that a node has for one client is not given to another without credentials', async () => {
  await cluster[Symbol.asyncDispose]()
  const bytes = blob.bytes
  cluster = await startCluster({ auth: { mode: 'basic' } })
  const upload = await request(`${cluster.registry.url}/v2/${REPOSITORY}/blobs/uploads/?digest=${blob.digest}`, {
    method: 'POST',
    headers: BASIC,
    body: bytes,
  })
  expect(upload.statusCode).toBe(201)
  const node = await startNode((await cluster.supernode()).url)
  const path = `/v2/${REPOSITORY}/blobs/${blob.digest}`
  expect(digestOf((await pull(node, path, BASIC)).body)).toBe(blob.digest)
  expect((await pull(node, path)).status).toBe(401)
  expect((await pull(node, path, BASIC)).status).toBe(200)
  expect(cluster.registry.stats.snapshot().blobs[blob.digest]?.bytesSent).toBe(BLOB_BYTES)
})

test('what the registry refuses, the client hears from the registry', async () => {
  await cluster[Symbol.asyncDispose]()
  cluster = await startCluster({ auth: { mode: 'basic' } })
  const supernode = await cluster.supernode()
  const node = await startNode(supernode.url)
  const unknown = `/v2/${REPOSITORY}/blobs/sha256:${'0'.repeat(64)}`
  expect((await pull(node, unknown)).status).toBe(401)
  const known = await pull(node, unknown, BASIC)
  expect(known.status).toBe(404)
  expect(JSON.parse(known.body.toString())).toMatchObject({ errors: [{ code: 'BLOB_UNKNOWN' }] })
  expect((await pull(node, '/v2/', BASIC)).status).toBe(200)
})
