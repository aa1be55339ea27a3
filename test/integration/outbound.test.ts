import { createServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startCluster, type TestCluster, type TestProgram, type TestSettings } from '../helpers/cluster.ts'
import type { TestHandler, TestHttpServer } from '../helpers/http-server.ts'
import { startTestServer } from '../helpers/mirror-fixture.ts'
import { createSelfSigned } from '../helpers/self-signed.ts'
import { waitFor } from '../helpers/wait.ts'

/** Where the victims of these tests are: what nobody may ask. Everything else of the loopback stands for the internet. */
const DENIED = '127.0.0.1'
const DENYING: TestSettings = { 'outbound.denyNetworks': `${DENIED}/32,::1/128` }
const PUBLIC = '127.0.0.3'
const DIGEST = `sha256:${'a'.repeat(64)}`
const BLOB = `/v2/library/a/blobs/${DIGEST}`

const startPublicCluster = () => startCluster({ listen: `${PUBLIC}:0` })

/** What must not be asked, in this process and its programs. */
const startVictim = () => startTestServer((_, response) => response.end('internal'))

const startOutside = (handler: TestHandler) => startTestServer(handler, PUBLIC)

async function register(
  supernode: TestProgram,
  source: object,
): Promise<{ status: number; code: string; message: string }> {
  const response = await request(`${supernode.url}/peer/registry`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ peerId: supernode.peerId, source: { headers: {}, ...source } }),
  })
  const answer = (await response.body.json()) as { code: string; message: string }
  return { status: response.statusCode, ...answer }
}

async function states({ url }: TestProgram): Promise<string[]> {
  const tasks = (await (await request(`${url}/api/v1/tasks`)).body.json()) as { state: string }[]
  return tasks.map(({ state }) => state)
}

async function ask(daemon: TestProgram, path: string): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(`${daemon.url}${path}`)
  return { status: statusCode, text: await body.text() }
}

/** Sends bytes to a daemon and returns all that it answers. */
function exchange({ url }: TestProgram, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  onTestFinished(() => void socket.destroy())
  socket.write(bytes)
  return text(socket)
}

/** Servers outside that lead to the victim, each in its own way. */
const LEADS: readonly [string, (victim: TestHttpServer) => TestHandler][] = [
  ['a redirect', victim => (_, response) => response.writeHead(307, { location: `${victim.url}/x` }).end()],
  [
    'a redirect to a name',
    victim => (_, response) =>
      response.writeHead(302, { location: `${victim.url.replace(DENIED, 'localhost')}/x` }).end(),
  ],
  [
    'a token service',
    victim => (_, response) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${victim.url}/token",service="s"` }).end(),
  ],
]

describe('a supernode', () => {
  async function startSupernode(cluster: TestCluster) {
    return { supernode: await cluster.supernode(DENYING), victim: await startVictim() }
  }

  test('reads nothing that a registration names and the policy denies', async () => {
    await using cluster = await startPublicCluster()
    const { supernode, victim } = await startSupernode(cluster)
    const { port } = new URL(victim.url)
    for (const host of [
      DENIED,
      'localhost',
      '127.1',
      '2130706433',
      '0x7f.1',
      '[::ffff:127.0.0.1]',
      `${PUBLIC}@127.0.0.1`,
    ]) {
      for (const digest of [undefined, DIGEST]) {
        const answer = await register(supernode, { url: `http://${host}:${port}${BLOB}`, ...(digest && { digest }) })
        expect(answer).toMatchObject({ status: 403, code: 'DENIED' })
        expect(answer.message).toContain('outbound.denyNetworks')
      }
    }
    expect(victim.requests).toEqual([])
  })

  test.each([
    '169.254.169.254',
    '[fd00:ec2::254]',
    '100.100.100.200',
    '0.0.0.0',
    '224.0.0.1',
    '[::ffff:169.254.169.254]',
  ])('asks %s not even on trial', async host => {
    await using cluster = await startPublicCluster()
    const supernode = await cluster.supernode()
    expect(await register(supernode, { url: `http://${host}/latest` })).toMatchObject({ status: 403, code: 'DENIED' })
  })

  test.each(LEADS)('does not follow %s to what the policy denies', async (_, lead) => {
    await using cluster = await startPublicCluster()
    const { supernode, victim } = await startSupernode(cluster)
    const outside = await startOutside(lead(victim))
    for (const path of [BLOB, '/file']) {
      const source = { url: `${outside.url}${path}`, ...(path === BLOB && { digest: DIGEST }) }
      const { status } = await register(supernode, source)
      // A registry's redirect is its yes: what lies behind is read after the answer.
      if (status === 200) await waitFor(async () => (await states(supernode)).includes('failed'), { timeoutMs: 10_000 })
      else expect(status).toBe(403)
    }
    expect(outside.requests.length).toBeGreaterThan(0)
    expect(victim.requests).toEqual([])
  })

  test('lets nothing in a registration turn the checks of certificates off', async () => {
    await using cluster = await startPublicCluster()
    const supernode = await cluster.supernode()
    const { cert, key } = createSelfSigned()
    let asked = 0
    const server = createServer({ cert, key }, (_, response) => {
      asked++
      response.writeHead(200, { etag: '"1"' }).end('content')
    })
    server.on('tlsClientError', () => {})
    await new Promise<void>(resolve => server.listen(0, DENIED, resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const url = `https://${DENIED}:${(server.address() as AddressInfo).port}/file`
    const wishes: Record<string, unknown>[] = [
      {},
      { insecure: true },
      { rootCAs: [cert], caFile: cert, ca: cert },
      { tls: { insecure: true, rejectUnauthorized: false, ca: cert } },
      { headers: { insecure: 'true', 'x-insecure': 'true', 'x-dragonfly-insecure': 'true' } },
      { outbound: { schemes: ['http'] } },
    ]
    for (const wish of wishes) {
      const { status } = await register(supernode, { url, ...wish })
      expect([400, 502]).toContain(status)
    }
    expect((await register(supernode, { url })).message).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect(asked).toBe(0)
  })
})

describe('a dfdaemon', () => {
  test('asks no registry that a client names and the policy denies', async () => {
    await using cluster = await startPublicCluster()
    const victim = await startVictim()
    const daemon = await cluster.dfdaemon(DENYING)
    const { host, port } = new URL(victim.url)
    for (const registry of [host, `localhost:${port}`]) {
      for (const path of [
        BLOB,
        '/v2/library/a/manifests/latest',
        '/v2/library/a/tags/list',
        `/v2/library/a/referrers/${DIGEST}`,
      ]) {
        const { status, text: said } = await ask(daemon, `${path}?ns=${registry}`)
        // The runtime goes on to the registry itself.
        expect(status).toBe(404)
        expect(said).toMatch(/"code":"(?:BLOB|MANIFEST|NAME)_UNKNOWN".*127\.0\.0\.1.*outbound\.denyNetworks/)
      }
    }
    expect(victim.requests).toEqual([])
  })

  test.each(LEADS)('does not follow %s to what the policy denies', async (_, lead) => {
    await using cluster = await startPublicCluster()
    const victim = await startVictim()
    const daemon = await cluster.dfdaemon(DENYING)
    const outside = await startOutside(lead(victim))
    for (const path of [BLOB, '/v2/library/a/manifests/latest', '/v2/library/a/tags/list']) {
      expect((await ask(daemon, `${path}?ns=${new URL(outside.url).host}`)).status).toBe(404)
    }
    expect(outside.requests.length).toBeGreaterThan(0)
    expect(victim.requests).toEqual([])
  })

  test('gives a pull what its supernode may not read', async () => {
    await using cluster = await startPublicCluster()
    const supernode = await cluster.supernode({ 'outbound.denyHosts': PUBLIC })
    const daemon = await cluster.dfdaemon({ ...DENYING, supernode: supernode.url })
    const image = await cluster.registry.generateImage({ layers: 1, sizeBytes: 100_000 })
    const [layer] = image.layers
    const path = `/v2/${image.repository}/blobs/${layer?.digest}`
    const { statusCode, body } = await request(`${daemon.url}${path}`)
    expect(statusCode).toBe(200)
    expect((await body.arrayBuffer()).byteLength).toBe(layer?.sizeBytes)
  })

  test('tunnels and passes on nothing to what the policy denies', async () => {
    await using cluster = await startPublicCluster()
    const victim = await startVictim()
    const { port } = new URL(victim.url)
    const intercept = { enabled: true, connect: { allow: ['*'], ports: [Number(port)] } }
    const daemon = await cluster.dfdaemon(DENYING, { intercept })
    for (const authority of [`${DENIED}:${port}`, `localhost:${port}`, `[::ffff:127.0.0.1]:${port}`]) {
      const tunnelled = await exchange(daemon, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
      expect(tunnelled).toMatch(/^HTTP\/1\.1 403 [\s\S]*outbound\.denyNetworks/)
      const plain = await exchange(daemon, `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
      expect(plain).toMatch(/^HTTP\/1\.1 403 [\s\S]*outbound\.denyNetworks/)
    }
    const own = await exchange(daemon, 'CONNECT 127.1:443 HTTP/1.1\r\nHost: 127.1:443\r\n\r\n')
    expect(own).toMatch(/^HTTP\/1\.1 400 /)
    expect(victim.requests).toEqual([])
    expect(victim.sockets.size).toBe(0)
  })
})
