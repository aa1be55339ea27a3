import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, ask } from '../helpers/ask.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { type ConformanceContent, pushConformanceContent } from '../helpers/conformance-content.ts'
import { OCI_INDEX } from '../helpers/registry-mock.ts'

const REPOSITORY = 'library/test'
/** What containerd 2 sends with requests for blobs. */
const ENCODINGS = { 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5' }
/** Go's clients use an idle connection for up to 30 s; the mirror must not be the one to close it just then. */
const LEAST_IDLE_S = 65

type Way = [method: string, path: string, headers: Record<string, string>, expected: object]

let cluster: TestCluster
let content: ConformanceContent

beforeAll(async () => {
  cluster = await startCluster()
  content = await pushConformanceContent(cluster.registry, REPOSITORY)
})

afterAll(() => cluster[Symbol.asyncDispose]())

describe.for([
  ['from the registry', false],
  ['through the swarm', true],
] as const)('the headers of an answer, %s', ([, withSupernode]) => {
  let node: TestProgram

  beforeAll(async () => {
    node = await cluster.dfdaemon(withSupernode ? { supernode: (await cluster.supernode()).url } : {})
  })

  const at = (path: string, query = '') => `${node.url}/v2/${REPOSITORY}/${path}${query}`

  /** Each way to ask, with the headers that must come back. The first HEAD of a blob finds it not here. */
  const ways = (): Way[] => {
    const { blobs, image } = content
    const blob = (digest: string, length: number) => ({
      'content-type': 'application/octet-stream',
      'content-length': String(length),
      'docker-content-digest': digest,
      'accept-ranges': 'bytes',
      etag: `"${digest}"`,
    })
    const manifest = {
      'content-type': image.mediaType,
      'content-length': String(image.text.length),
      'docker-content-digest': image.digest,
      etag: `"${image.digest}"`,
    }
    const { layer, empty, sha512 } = blobs
    const blobWays = Object.values(blobs).flatMap(({ digest, bytes }) =>
      ['HEAD', 'GET', 'HEAD'].map(method => [method, `blobs/${digest}`, {}, blob(digest, bytes.length)] as Way),
    )
    return [
      ...blobWays,
      [
        'GET',
        `blobs/${layer.digest}`,
        { range: 'bytes=2-9' },
        { ...blob(layer.digest, 8), 'content-range': 'bytes 2-9/2048' },
      ],
      ['GET', `blobs/${sha512.digest}`, { range: 'bytes=4095-' }, blob(sha512.digest, 1)],
      ['GET', `blobs/${empty.digest}`, { range: 'bytes=0-' }, blob(empty.digest, 0)],
      ...['HEAD', 'GET'].flatMap(method =>
        ['v1', image.digest].map(reference => [method, `manifests/${reference}`, {}, manifest] as Way),
      ),
      ['GET', 'tags/list', {}, { 'content-type': 'application/json' }],
      ['GET', `referrers/${image.digest}`, {}, { 'content-type': OCI_INDEX }],
      ['HEAD', 'tags/list', {}, { 'content-type': 'application/json' }],
    ]
  }

  test('describe what is sent, and no encoding is applied', async () => {
    for (const [method, path, headers, expected] of ways()) {
      const answer = await ask(at(path), { method, headers: { ...headers, ...ENCODINGS } })
      const what = `${method} ${path}`
      expect(answer.headers, what).toMatchObject(expected)
      expect(answer.headers['content-encoding'], what).toBeUndefined()
      expect(answer.headers['transfer-encoding'], what).toBeUndefined()
      expect(answer.headers['oci-namespace'], what).toBeUndefined()
      if (method === 'HEAD') expect(answer.body.length, what).toBe(0)
      else expect(answer.headers['content-length'], what).toBe(String(answer.body.length))
    }
  })

  test('name the registry that ns asked for', async () => {
    const ns = cluster.registry.host
    const expectNamed = (what: string, { headers }: Answer) =>
      expect([what, headers['oci-namespace']]).toEqual([what, ns])
    for (const [method, path, headers] of ways()) {
      expectNamed(`${method} ${path}`, await ask(at(path, `?ns=${encodeURIComponent(ns)}`), { method, headers }))
    }
    for (const path of [`blobs/${content.foreign}`, 'manifests/unknown']) {
      const answer = await ask(at(path, `?ns=${ns}`))
      expect(answer.status).toBe(404)
      expectNamed(path, answer)
    }
  })

  test('let idle connections live longer than clients use them, and close those of clients that want it', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      const ports = new Set<number | undefined>()
      for (const path of [`blobs/${content.blobs.layer.digest}`, 'manifests/v1', 'tags/list', 'manifests/unknown']) {
        const kept = await exchange(at(path), agent)
        expect(kept.headers.connection).toBe('keep-alive')
        expect(Number(/^timeout=(\d+)$/.exec(String(kept.headers['keep-alive']))?.[1])).toBeGreaterThanOrEqual(
          LEAST_IDLE_S,
        )
        ports.add(kept.localPort)
        const closed = await exchange(at(path), false)
        expect(closed.headers.connection).toBe('close')
      }
      expect(ports.size).toBe(1)
    } finally {
      agent.destroy()
    }
  })
})

/** One request, over the agent's connection or over one of its own that it asks to close. */
async function exchange(url: string, agent: Agent | false) {
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage]
  const { localPort } = response.socket
  await response.resume().toArray()
  return { headers: response.headers, localPort }
}
