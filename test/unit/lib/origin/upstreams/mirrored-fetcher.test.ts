import { describe, expect, test } from 'vitest'
import type { UpstreamFetcher } from '../../../../../lib/origin/http-fetch.ts'
import { digestOf } from '../../../../../protocol/digest.ts'
import type { TestHandler } from '../../../../helpers/http-server.ts'
import { deadUrl, MIRRORED_REGISTRY, readMirrored, startTestServer } from '../../../../helpers/mirror-fixture.ts'
import { readAll } from '../../../../helpers/origin-content.ts'

const MANIFEST = Buffer.from('{"schemaVersion":2,"layers":[]}')
const DIGEST = digestOf(MANIFEST)
const TYPE = 'application/vnd.oci.image.manifest.v1+json'
const BY_DIGEST = `/v2/library/demo/manifests/${DIGEST}`
const BY_TAG = '/v2/library/demo/manifests/latest'
const CALLER = { authorization: 'Bearer planted-secret', cookie: 'planted-secret', accept: TYPE }

const sends =
  (bytes: Buffer, status = 200): TestHandler =>
  ({ method }, response) => {
    const headers = { 'content-type': TYPE, 'docker-content-digest': digestOf(bytes), 'content-length': bytes.length }
    response.writeHead(status, headers).end(method === 'HEAD' ? undefined : bytes)
  }
const serve = sends(MANIFEST)

async function fetched(fetcher: UpstreamFetcher, url: string, method: 'GET' | 'HEAD' = 'GET') {
  const { status, headers, body } = await fetcher.fetch({ url, method, headers: CALLER })
  return { status, type: headers['content-type'], body: (await readAll(body)).toString() }
}

const MANIFEST_ANSWER = { status: 200, type: TYPE, body: MANIFEST.toString() }

describe('a manifest by its digest', () => {
  test('comes from the first mirror, once the registry has said yes', async () => {
    const [registry, mirror] = [await startTestServer(serve), await startTestServer(serve)]
    const { fetcher } = await readMirrored(registry, [mirror])
    expect(await fetched(fetcher, `${registry.url}${BY_DIGEST}`)).toEqual(MANIFEST_ANSWER)
    expect(registry.requests).toMatchObject([{ method: 'HEAD', headers: { authorization: CALLER.authorization } }])
    const path = `${BY_DIGEST}?ns=${MIRRORED_REGISTRY}`
    expect(mirror.requests).toMatchObject([{ method: 'GET', path, headers: { accept: TYPE } }])
    expect(JSON.stringify(mirror.requests)).not.toContain('planted-secret')
  })

  test.each([
    ['refuses the connection', undefined],
    ['answers 401', sends(MANIFEST, 401)],
    ['answers 404', sends(MANIFEST, 404)],
    ['answers 429', sends(MANIFEST, 429)],
    ['answers 502', sends(MANIFEST, 502)],
    ['sends another manifest', sends(Buffer.from('{"schemaVersion":2,"layers":[1]}'))],
    ['sends nothing', sends(Buffer.alloc(0))],
    [
      'breaks off',
      ((_, response) => {
        response.writeHead(200, { 'content-length': MANIFEST.length })
        response.write(MANIFEST.subarray(0, 5), () => response.destroy())
      }) satisfies TestHandler,
    ],
  ])('comes from the next one when a mirror %s', async (_, handler) => {
    const [registry, second] = [await startTestServer(serve), await startTestServer(serve)]
    const first = handler === undefined ? { url: await deadUrl() } : await startTestServer(handler)
    const { fetcher } = await readMirrored(registry, [{ url: first.url }, second])
    expect(await fetched(fetcher, `${registry.url}${BY_DIGEST}`)).toEqual(MANIFEST_ANSWER)
    expect(second.requests).toHaveLength(1)
    expect(registry.requests.map(({ method }) => method)).toEqual(['HEAD'])
  })

  test('comes from the registry when no mirror has it', async () => {
    const registry = await startTestServer(serve)
    const { fetcher } = await readMirrored(registry, [await startTestServer(sends(MANIFEST, 404))])
    expect(await fetched(fetcher, `${registry.url}${BY_DIGEST}`)).toEqual(MANIFEST_ANSWER)
  })

  test('is refused in the words of the registry', async () => {
    const registry = await startTestServer((_, response) => response.writeHead(403).end('not for you'))
    const mirror = await startTestServer(serve)
    const { fetcher } = await readMirrored(registry, [mirror], { outage: 'allow' })
    expect(await fetched(fetcher, `${registry.url}${BY_DIGEST}`)).toMatchObject({ status: 403, body: 'not for you' })
    expect(mirror.requests).toEqual([])
  })
})

describe('a tag', () => {
  test.each(['GET', 'HEAD'] as const)('is asked of the registry: %s', async method => {
    const [registry, mirror] = [await startTestServer(serve), await startTestServer(serve)]
    const { fetcher } = await readMirrored(registry, [mirror])
    expect(await fetched(fetcher, `${registry.url}${BY_TAG}`, method)).toMatchObject({ status: 200 })
    expect(registry.requests).toHaveLength(1)
    expect(mirror.requests).toEqual([])
  })

  test.each([
    ['allow', true],
    ['recent', false],
    ['deny', false],
  ] as const)('is asked of mirrors while the registry is down: under %s %s', async (outage, served) => {
    const [first, second] = [await startTestServer(sends(MANIFEST, 404)), await startTestServer(serve)]
    const down = await startTestServer((_, response) => response.writeHead(503).end('down'))
    for (const registry of [down, { url: await deadUrl() }]) {
      const { fetcher } = await readMirrored(registry, [first, second], { outage })
      const asked = fetched(fetcher, `${registry.url}${BY_TAG}`)
      if (served) expect(await asked).toEqual(MANIFEST_ANSWER)
      else if (registry === down) expect(await asked).toMatchObject({ status: 503, body: 'down' })
      else await expect(asked).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
    }
    expect(second.requests).toHaveLength(served ? 2 : 0)
  })
})

test('what is not of the registry is fetched as ever', async () => {
  const [registry, other] = [await startTestServer(serve), await startTestServer(serve)]
  const { fetcher } = await readMirrored(registry, [{ url: await deadUrl() }])
  expect(await fetched(fetcher, `${other.url}${BY_DIGEST}`)).toEqual(MANIFEST_ANSWER)
  expect(registry.requests).toEqual([])
})
