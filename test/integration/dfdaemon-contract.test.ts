import { connect } from 'node:net'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { ask, ociCodeOf } from '../helpers/ask.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { startHttpServer } from '../helpers/http-server.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { OCI_INDEX, OCI_MANIFEST, pushBlob, putManifest } from '../helpers/registry-mock.ts'

const REPOSITORY = 'library/test'
const BLOB_BYTES = 1024 * 1024 + 2048
const UNKNOWN = `sha256:${'0'.repeat(64)}`

let cluster: TestCluster
let node: TestProgram
let blob: TestBlob
let manifest: { text: string; digest: string }

beforeAll(async () => {
  cluster = await startCluster()
  const supernode = await cluster.supernode()
  node = await cluster.dfdaemon({ supernode: supernode.url })
  blob = await seedBlob(cluster.registry, BLOB_BYTES, { repository: REPOSITORY })
  const config = await pushBlob(cluster.registry, REPOSITORY, new Uint8Array(Buffer.from('{}')))
  // Spaces that no encoder would put there: the bytes must come through untouched.
  const text = `{ "schemaVersion": 2,  "mediaType": "${OCI_MANIFEST}", "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": "${config}", "size": 2 }, "layers": [ { "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "${blob.digest}", "size": ${BLOB_BYTES} } ] }\n`
  manifest = { text, digest: digestOf(Buffer.from(text)) }
  for (const tag of ['v1', 'v2', 'v3']) {
    expect((await putManifest(cluster.registry, `${REPOSITORY}/manifests/${tag}`, text)).status).toBe(201)
  }
})

afterAll(() => cluster[Symbol.asyncDispose]())

describe('manifests and lists', () => {
  test.for(['GET', 'HEAD'])('%s of a manifest by tag and by digest', async method => {
    for (const reference of ['v1', manifest.digest]) {
      const { status, headers, body } = await ask(`${node.url}/v2/${REPOSITORY}/manifests/${reference}`, { method })
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        'content-type': OCI_MANIFEST,
        'docker-content-digest': manifest.digest,
        'content-length': String(manifest.text.length),
      })
      expect(body.toString()).toBe(method === 'GET' ? manifest.text : '')
    }
  })

  test.for([undefined, '*/*'])('all manifest types go upstream when the client accepts %s', async accept => {
    const accepted = await acceptedUpstream(accept === undefined ? [] : [accept])
    for (const type of [
      'application/vnd.oci.image.manifest.v1+json',
      'application/vnd.oci.image.index.v1+json',
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/vnd.docker.distribution.manifest.list.v2+json',
    ]) {
      expect(accepted?.split(', ')).toContain(type)
    }
  })

  test("the client's own types go upstream, also when it sends one header for each", async () => {
    const docker = 'application/vnd.docker.distribution.manifest'
    expect(await acceptedUpstream([OCI_INDEX, OCI_MANIFEST])).toBe(
      `${OCI_INDEX}, ${OCI_MANIFEST}, ${docker}.v2+json, ${docker}.list.v2+json`,
    )
  })

  /** What a registry hears in `Accept` when a client sends these, one header for each. */
  async function acceptedUpstream(accepts: readonly string[]): Promise<string | undefined> {
    const upstream = await startHttpServer((_request, response) => response.end('{}'))
    try {
      const path = `/v2/${REPOSITORY}/manifests/v1?ns=${new URL(upstream.url).host}`
      const lines = accepts.map(accept => `Accept: ${accept}`)
      expect(await raw([`GET ${path} HTTP/1.1`, ...lines, 'Host: 127.0.0.1', 'Connection: close'])).toMatch(/ 200 OK/)
      return upstream.requests[0]?.headers.accept
    } finally {
      await upstream.close()
    }
  }

  test('a manifest that did not change is not sent again', async () => {
    const headers = { 'if-none-match': `"${manifest.digest}"` }
    const { status, body } = await ask(`${node.url}/v2/${REPOSITORY}/manifests/v1`, { headers })
    expect(status).toBe(304)
    expect(body.length).toBe(0)
  })

  test('unknown manifests', async () => {
    for (const reference of ['nope', UNKNOWN]) {
      const answer = await ask(`${node.url}/v2/${REPOSITORY}/manifests/${reference}`)
      expect(answer.status).toBe(404)
      expect(ociCodeOf(answer)).toBe('MANIFEST_UNKNOWN')
    }
  })

  test('a manifest with another digest than asked for is not passed on', async () => {
    const fresh = await cluster.dfdaemon()
    const match = { kind: 'manifest', method: 'GET' } as const
    cluster.registry.faults.set([{ match, action: 'corrupt', afterBytes: 10, times: 1 }])
    const answer = await ask(`${fresh.url}/v2/${REPOSITORY}/manifests/${manifest.digest}`)
    expect(answer.status).toBe(404)
    expect(ociCodeOf(answer)).toBe('MANIFEST_UNKNOWN')
    expect((await ask(`${fresh.url}/v2/${REPOSITORY}/manifests/${manifest.digest}`)).body.toString()).toBe(
      manifest.text,
    )
  })

  test('tags, page by page', async () => {
    const first = await ask(`${node.url}/v2/${REPOSITORY}/tags/list?n=2`)
    expect(JSON.parse(first.body.toString())).toEqual({ name: REPOSITORY, tags: ['v1', 'v2'] })
    expect(first.headers.link).toBe(`</v2/${REPOSITORY}/tags/list?n=2&last=v2>; rel="next"`)
    const second = await ask(`${node.url}/v2/${REPOSITORY}/tags/list?n=2&last=v2`)
    expect(JSON.parse(second.body.toString())).toEqual({ name: REPOSITORY, tags: ['v3'] })
    expect(second.headers.link).toBeUndefined()
  })

  test('referrers', async () => {
    const empty = digestOf(Buffer.from('{}'))
    const descriptor = { mediaType: 'application/vnd.oci.empty.v1+json', digest: empty, size: 2 }
    const subject = { mediaType: OCI_MANIFEST, digest: manifest.digest, size: manifest.text.length }
    const signature = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: 'application/x.signature',
      config: descriptor,
      layers: [descriptor],
      subject,
    }
    const text = JSON.stringify(signature)
    await putManifest(cluster.registry, `${REPOSITORY}/manifests/${digestOf(Buffer.from(text))}`, text)
    const query = `?artifactType=${encodeURIComponent('application/x.signature')}`
    const { status, headers, body } = await ask(`${node.url}/v2/${REPOSITORY}/referrers/${manifest.digest}${query}`)
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'content-type': OCI_INDEX, 'oci-filters-applied': 'artifactType' })
    expect(JSON.parse(body.toString())).toMatchObject({ manifests: [{ artifactType: 'application/x.signature' }] })
  })

  test('the base route', async () => {
    for (const path of ['/v2/', '/v2']) {
      const { status, headers } = await ask(`${node.url}${path}`)
      expect(status).toBe(200)
      expect(headers['docker-distribution-api-version']).toBe('registry/2.0')
    }
    expect((await ask(`${node.url}/v2/`, { method: 'HEAD' })).status).toBe(200)
  })
})

describe('the registry that is asked', () => {
  const named = () => cluster.registry.host

  test('is the default without ns', async () => {
    expect((await ask(`${node.url}/v2/${REPOSITORY}/manifests/v1`)).status).toBe(200)
  })

  test('is the one that ns names, with its port encoded', async () => {
    cluster.registry.clearRequests()
    const other = await cluster.dfdaemon({ defaultUpstream: '127.0.0.1:9' })
    for (const ns of [named(), encodeURIComponent(named())]) {
      const manifestAnswer = await request(`${other.url}/v2/${REPOSITORY}/manifests/v1?ns=${ns}`)
      expect(manifestAnswer.statusCode).toBe(200)
      await manifestAnswer.body.dump()
      expect(await pullBlob(other, blob, { query: `?ns=${ns}` })).toMatchObject({ status: 200, digest: blob.digest })
    }
    expect(cluster.registry.requests.some(({ path }) => path.includes('ns='))).toBe(false)
    const without = await request(`${other.url}/v2/${REPOSITORY}/manifests/v1`)
    expect(without.statusCode).toBe(404)
    await without.body.dump()
  })

  test('is the one in front of the repository name', async () => {
    for (const prefix of [named(), encodeURIComponent(named())]) {
      const got = await ask(`${node.url}/v2/${prefix}/${REPOSITORY}/manifests/v1`)
      expect(got.body.toString()).toBe(manifest.text)
      expect(await pullBlob(node, { repository: `${prefix}/${REPOSITORY}`, digest: blob.digest })).toMatchObject({
        status: 200,
        digest: blob.digest,
      })
      const tags = await ask(`${node.url}/v2/${prefix}/${REPOSITORY}/tags/list?n=1`)
      expect(tags.headers.link).toBe(`</v2/${named()}/${REPOSITORY}/tags/list?n=1&last=v1>; rel="next"`)
    }
  })

  test.for(['a b', 'host:port', 'http://host', 'host/path', '-', '', '../etc', `${'a'.repeat(300)}:x`])(
    'is refused when ns is "%s"',
    async ns => {
      const answer = await ask(`${node.url}/v2/${REPOSITORY}/manifests/v1?ns=${encodeURIComponent(ns)}`)
      expect(answer.status).toBe(400)
      expect(ociCodeOf(answer)).toBe('NAME_INVALID')
    },
  )

  test('when it is not there, the client hears 404', async () => {
    const gone = `?ns=${encodeURIComponent('127.0.0.1:9')}`
    const answers = [
      [await ask(`${node.url}/v2/${REPOSITORY}/manifests/v1${gone}`), 'MANIFEST_UNKNOWN'],
      [await ask(`${node.url}/v2/${REPOSITORY}/blobs/${UNKNOWN}${gone}`), 'BLOB_UNKNOWN'],
      [await ask(`${node.url}/v2/${REPOSITORY}/tags/list${gone}`), 'NAME_UNKNOWN'],
    ] as const
    for (const [answer, code] of answers) {
      expect(answer.status).toBe(404)
      expect(ociCodeOf(answer)).toBe(code)
    }
  })
})

describe('bad requests', () => {
  test.for([
    ['POST', '/v2/library/test/blobs/uploads/'],
    ['POST', '/v2/library/test/blobs/uploads/?ns=registry.example'],
    ['PUT', '/v2/library/test/manifests/v1'],
    ['PATCH', '/v2/library/test/blobs/uploads/abc'],
    ['DELETE', '/v2/library/test/manifests/v1'],
    ['POST', '/v2/'],
  ])('%s %s', async ([method = '', path = '']) => {
    for (const type of ['application/octet-stream', 'application/json', OCI_MANIFEST]) {
      const body = method === 'DELETE' ? {} : { body: 'not { json'.repeat(20_000) }
      const answer = await ask(`${node.url}${path}`, { method, headers: { 'content-type': type }, ...body })
      expect(answer.status).toBe(405)
      expect(ociCodeOf(answer)).toBe('UNSUPPORTED')
    }
  })

  test.for([
    ['/v2/library/test/blobs/sha256:abc', 400, 'DIGEST_INVALID'],
    [`/v2/library/test/blobs/md5:${'0'.repeat(32)}`, 400, 'DIGEST_INVALID'],
    [`/v2/library/test/blobs/sha256:${'A'.repeat(64)}`, 400, 'DIGEST_INVALID'],
    ['/v2/library/test/manifests/sha256:baddigeststring', 400, 'DIGEST_INVALID'],
    ['/v2/library/test/referrers/latest', 400, 'DIGEST_INVALID'],
    [`/v2/library/test/manifests/${'t'.repeat(129)}`, 400, 'MANIFEST_INVALID'],
    ['/v2/library/test/manifests/.hidden', 400, 'MANIFEST_INVALID'],
    ['/v2/Library/Test/manifests/v1', 400, 'NAME_INVALID'],
    ['/v2/library/../test/manifests/v1', 400, 'NAME_INVALID'],
    ['/v2/library/%2e%2e/test/manifests/v1', 400, 'NAME_INVALID'],
    ['/v2/library//test/manifests/v1', 400, 'NAME_INVALID'],
    [`/v2/${'n'.repeat(256)}/manifests/v1`, 400, 'NAME_INVALID'],
    ['/v2/library/test', 404, 'ROUTE_UNKNOWN'],
    ['/v2/_catalog', 404, 'ROUTE_UNKNOWN'],
    ['/v2/library/test/manifests/', 404, 'ROUTE_UNKNOWN'],
    ['/v2/library/test/blobs/uploads/', 405, 'UNSUPPORTED'],
  ] as const)('%s', async ([path, status, code]) => {
    const answer = await rawAnswer([`GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close'])
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ errors: [{ code }] })
  })

  test('a path that is not valid percent-encoding', async () => {
    const answer = await rawAnswer([
      'GET /v2/library/%zz/manifests/v1 HTTP/1.1',
      'Host: 127.0.0.1',
      'Connection: close',
    ])
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ errors: [{ code: 'REQUEST_INVALID' }] })
  })

  test('headers that are too large', async () => {
    const answer = await raw(['GET /v2/ HTTP/1.1', 'Host: 127.0.0.1', `X-Large: ${'x'.repeat(100_000)}`])
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    expect((await ask(`${node.url}/v2/`)).status).toBe(200)
  })

  test('what is no HTTP', async () => {
    expect(await raw(['\u0016\u0003\u0001 hello'])).toMatch(/^HTTP\/1\.1 400 /)
    expect((await ask(`${node.url}/v2/`)).status).toBe(200)
  })

  test('a path outside the registry and the API', async () => {
    const answer = await ask(`${node.url}/nothing/here`)
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'ROUTE_UNKNOWN' })
  })

  test('are counted by their code', async () => {
    const counted = () => readMetric(node, 'damselfly_dfdaemon_registry_failures_total', { code: 'DIGEST_INVALID' })
    const before = await counted()
    await ask(`${node.url}/v2/library/test/blobs/sha256:abc`)
    expect(await counted()).toBe(before + 1)
  })
})

/** Sends lines as they are and returns whatever comes back. */
async function raw(lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(node.url)
  const socket = connect({ host: hostname, port: Number(port) })
  const chunks: Buffer[] = []
  try {
    socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch {
    // The server may cut off what it does not want to read.
  } finally {
    socket.destroy()
  }
  return Buffer.concat(chunks).toString()
}

async function rawAnswer(lines: readonly string[]): Promise<{ status: number; body: unknown }> {
  const answer = await raw(lines)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), body: JSON.parse(body) }
}
