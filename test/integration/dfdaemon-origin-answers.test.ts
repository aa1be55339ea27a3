import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { ask, ociCodeOf } from '../helpers/ask.ts'
import { seededBytes } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { startHttpServer, type TestHttpServer } from '../helpers/http-server.ts'
import { OCI_INDEX, OCI_MANIFEST } from '../helpers/registry-mock.ts'

const NAME = 'library/test'
const BLOB = seededBytes(300_000)
const BLOB_DIGEST = digestOf(BLOB)
const MANIFEST = Buffer.from(`{ "schemaVersion": 2, "mediaType": "${OCI_INDEX}", "manifests": [] }`)
const MANIFEST_DIGEST = digestOf(MANIFEST)
const BLOB_PATH = `blobs/${BLOB_DIGEST}`
const BY_DIGEST = `manifests/${MANIFEST_DIGEST}`
const LISTS = ['tags/list', `referrers/${MANIFEST_DIGEST}`]

/** Changes the answer that a good registry gives. True when it has answered itself. */
type Whim = (request: IncomingMessage, response: ServerResponse) => boolean

let cluster: TestCluster
let origin: TestHttpServer
let node: TestProgram
let whim: Whim

beforeEach(async () => {
  cluster = await startCluster()
  whim = () => false
  origin = await startHttpServer((request, response) => {
    if (whim(request, response)) return
    answer(request, response, contentOf(request), {})
  })
  node = await cluster.dfdaemon({ defaultUpstream: new URL(origin.url).host })
})

afterEach(async () => {
  await origin.close()
  await cluster[Symbol.asyncDispose]()
})

/** As a registry that tells no digest of what it sends. */
function contentOf({ url = '' }: IncomingMessage): Buffer {
  if (url.includes('/manifests/')) return MANIFEST
  return url.includes('/blobs/') ? Buffer.from(BLOB) : Buffer.from('{}')
}

function answer(request: IncomingMessage, response: ServerResponse, body: Buffer, headers: Record<string, string>) {
  const type = request.url?.includes('/blobs/') ? 'application/octet-stream' : OCI_INDEX
  response.writeHead(200, { 'content-type': type, 'content-length': body.length, ...headers })
  response.end(request.method === 'HEAD' ? undefined : body)
}

const get = (path: string, headers: Record<string, string> = {}) => ask(`${node.url}/v2/${NAME}/${path}`, { headers })

describe('content that the registry has encoded', () => {
  test.for([BLOB_PATH, 'manifests/v1', BY_DIGEST, ...LISTS])('is refused, and not kept: %s', async path => {
    for (const encoding of ['gzip', 'zstd, gzip']) {
      whim = (request, response) => {
        answer(request, response, gzipSync(contentOf(request)), { 'content-encoding': encoding })
        return true
      }
      const refused = await get(path, { 'accept-encoding': 'gzip' })
      expect(refused.status).toBe(404)
      expect(ociCodeOf(refused)).toMatch(/_UNKNOWN$/)
    }
    whim = () => false
    const { status, body } = await get(path)
    expect(status).toBe(200)
    expect([BLOB, MANIFEST, Buffer.from('{}')].some(content => body.equals(content))).toBe(true)
    expect(new Set(origin.requests.map(({ headers }) => headers['accept-encoding']))).toEqual(new Set(['identity']))
  })

  test('is welcome where the encoding is none', async () => {
    whim = (request, response) => {
      answer(request, response, contentOf(request), { 'content-encoding': 'identity' })
      return true
    }
    for (const path of [BLOB_PATH, 'manifests/v1', BY_DIGEST, ...LISTS]) expect((await get(path)).status).toBe(200)
  })
})

test.for(['manifests/v1', BY_DIGEST])('a page instead of a manifest is not passed on: %s', async path => {
  whim = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in</html>')
    return true
  }
  const refused = await get(path)
  expect([refused.status, ociCodeOf(refused)]).toEqual([404, 'MANIFEST_UNKNOWN'])
  whim = () => false
  expect((await get(path)).body.equals(MANIFEST)).toBe(true)
})

describe.for([
  ['in the OCI form', 'application/json; charset=utf-8'],
  ['in HTML', 'text/html'],
] as const)('a refusal %s', ([, type]) => {
  const own = JSON.stringify({ errors: [{ code: 'OWN', message: 'in its own words' }] })

  function refuseWith(status: number, headers: Record<string, string>): void {
    whim = (_request, response) => {
      response.writeHead(status, { ...headers, 'content-type': type })
      response.end(type === 'text/html' ? '<html>no</html>' : own)
      return true
    }
  }

  test.for([
    [403, {}, 'DENIED'],
    [404, {}, 'MANIFEST_UNKNOWN'],
    [429, { 'retry-after': '7' }, 'TOOMANYREQUESTS'],
    [500, {}, 'ORIGIN_FAILED'],
    [503, { 'retry-after': '9' }, 'ORIGIN_FAILED'],
  ] as const)('of a manifest by digest reaches the client with its status %i', async ([status, headers, code]) => {
    refuseWith(status, headers)
    const answered = await get(BY_DIGEST)
    expect(answered.status).toBe(status)
    expect(answered.headers).toMatchObject(headers)
    expect(ociCodeOf(answered)).toBe(type === 'text/html' ? code : 'OWN')
    if (type === 'text/html') expect(answered.body.toString()).toContain(`answered ${status}`)
    const head = await ask(`${node.url}/v2/${NAME}/${BY_DIGEST}`, { method: 'HEAD' })
    expect([head.status, head.body.length]).toEqual([status, 0])
    // Nothing of it is kept.
    whim = () => false
    expect((await get(BY_DIGEST)).body.equals(MANIFEST)).toBe(true)
  })

  test.for([
    [403, 403, {}],
    [404, 404, {}],
    [429, 429, { 'retry-after': '7' }],
    [500, 404, {}],
    [503, 404, {}],
  ] as const)(
    'of a manifest by tag with %i is %i, and the client learns the status',
    async ([status, expected, headers]) => {
      refuseWith(status, headers)
      const answered = await get('manifests/v1')
      expect(answered.status).toBe(expected)
      expect(answered.headers).toMatchObject(headers)
      ociCodeOf(answered)
      if (status !== expected) expect(answered.body.toString()).toContain(`answered with status ${status}`)
    },
  )

  test.for([
    [403, 403, 'DENIED'],
    [404, 404, 'BLOB_UNKNOWN'],
    [410, 404, 'BLOB_UNKNOWN'],
    [500, 404, 'BLOB_UNKNOWN'],
    [503, 404, 'BLOB_UNKNOWN'],
  ] as const)('of a blob with %i is %i', async ([status, expected, code]) => {
    refuseWith(status, {})
    const answered = await get(BLOB_PATH)
    expect([answered.status, ociCodeOf(answered)]).toEqual([expected, code])
    // dockerd, podman and skopeo show the message of a 404, nothing else.
    if (status >= 500) expect(JSON.parse(answered.body.toString()).errors[0].message).toContain(`answered ${status}`)
  })
})

test.for([
  ['docker/20.10.24+dfsg1 go/go1.19.8', 404],
  ['docker/29.0.0 containerd-client/2.2.0', 404],
  ['containerd/1.6.20~ds1', 503],
  ['containers/5.29.2 (github.com/containers/image)', 503],
  ['curl/7.88.1', 404],
] as const)('an outage of the registry, to %s, is %i', async ([client, expected]) => {
  whim = (_request, response) => {
    response.writeHead(503).end()
    return true
  }
  const answered = await get(BLOB_PATH, { 'user-agent': client })
  expect([answered.status, ociCodeOf(answered)]).toEqual([expected, 'BLOB_UNKNOWN'])
  expect(answered.body.toString()).toContain('answered 503')
})

test('a registry without HEAD has tags too, and must not lie about them', async () => {
  let told: string | undefined
  whim = (request, response) => {
    if (request.method === 'HEAD') response.writeHead(405).end()
    else answer(request, response, MANIFEST, told === undefined ? {} : { 'docker-content-digest': told })
    return true
  }
  for (told of [undefined, MANIFEST_DIGEST]) {
    const { status, headers, body } = await get('manifests/v1')
    expect([status, headers['docker-content-digest'], body.equals(MANIFEST)]).toEqual([200, MANIFEST_DIGEST, true])
  }
  told = BLOB_DIGEST
  const refused = await get('manifests/v1')
  expect([refused.status, ociCodeOf(refused)]).toEqual([404, 'MANIFEST_UNKNOWN'])
})

test('referrers and signatures that a registry knows nothing of are a prompt 404', async () => {
  whim = (_request, response) => {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
    return true
  }
  const tag = MANIFEST_DIGEST.replace(':', '-')
  for (const [path, code, requests] of [
    [`referrers/${MANIFEST_DIGEST}`, 'NAME_UNKNOWN', 1],
    [`manifests/${tag}`, 'MANIFEST_UNKNOWN', 2],
    [`manifests/${tag}.sig`, 'MANIFEST_UNKNOWN', 2],
  ] as const) {
    origin.requests.length = 0
    const refused = await get(path)
    expect([refused.status, ociCodeOf(refused), origin.requests.length]).toEqual([404, code, requests])
  }
})

describe('the types that are accepted', () => {
  const ODD = 'application/vnd.oci.artifact.manifest.v1+json'
  const DOCKER = 'application/vnd.docker.distribution.manifest'
  const FOUR = [OCI_MANIFEST, OCI_INDEX, `${DOCKER}.v2+json`, `${DOCKER}.list.v2+json`]

  test.for([
    ['*/*;q=0.5', [...FOUR, '*/*;q=0.5']],
    [`${OCI_INDEX}, */*`, [...FOUR, '*/*']],
    // What begins like a type is another type.
    [`${OCI_MANIFEST}x`, [...FOUR, `${OCI_MANIFEST}x`]],
    [`${OCI_MANIFEST};q=0.3`, [`${OCI_MANIFEST};q=0.3`, ...FOUR.slice(1)]],
    [`  ${OCI_INDEX} ,,${OCI_MANIFEST}`, FOUR],
    ['', FOUR],
  ] as const)('go upstream: %s', async ([accept, expected]) => {
    await get('manifests/v1', { accept })
    const named = origin.requests[0]?.headers.accept?.split(', ') ?? []
    expect(named.toSorted()).toEqual(expected.toSorted())
  })

  test('include those that only */* covers, at a registry that goes by them, also once the manifest is here', async () => {
    whim = (request, response) => {
      const named = request.headers.accept?.split(',').map(type => type.split(';')[0]?.trim())
      if (named?.some(type => type === ODD || type === '*/*'))
        answer(request, response, MANIFEST, { 'content-type': ODD })
      else response.writeHead(404, { 'content-type': 'text/plain' }).end()
      return true
    }
    const impatient = await cluster.dfdaemon({
      defaultUpstream: new URL(origin.url).host,
      'access.lifetimeSeconds': '0',
    })
    for (const accept of [`${OCI_MANIFEST}, */*`, ODD]) {
      for (const reference of [MANIFEST_DIGEST, 'v1', MANIFEST_DIGEST]) {
        const { status, headers } = await ask(`${impatient.url}/v2/${NAME}/manifests/${reference}`, {
          headers: { accept },
        })
        expect([status, headers['content-type']]).toEqual([200, ODD])
      }
    }
  })
})
