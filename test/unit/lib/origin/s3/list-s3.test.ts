import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { listS3, type S3ListOptions } from '../../../../../lib/origin/s3/list-s3.ts'
import type { S3ListedObject } from '../../../../../lib/origin/s3/s3-xml.ts'
import { startHttpServer } from '../../../../helpers/http-server.ts'
import { createS3Fixture, type S3FixtureInit } from '../../../../helpers/s3-fixture.ts'
import { S3_ACCOUNT, type S3Server, startS3Server } from '../../../../helpers/s3-server.ts'

// The store escapes what XML does not take twice; pages of our own have that.
const KEYS = ['logs/1', 'logs/2/a b+c', 'logs/2/ä=%41', 'logs/3/', 'logs/4', 'logs-old/1', 'top']

let store: S3Server
let endings: (() => Promise<void>)[] = []
beforeAll(async () => {
  store = await startS3Server('bucket', 'empty')
  for (const key of KEYS) await store.put('bucket', key, Buffer.from(key))
})
afterAll(() => store[Symbol.asyncDispose]())
afterEach(async () => {
  for (const end of endings) await end()
  endings = []
})

function list(url: string, options: S3ListOptions = {}, endpoint = store.endpoint, fixtureInit: S3FixtureInit = {}) {
  const { components, init, http } = createS3Fixture(endpoint, fixtureInit)
  endings.push(http.stop)
  return listS3(components, init, url, options)
}

/** Lists at a server that answers with these pages, whatever is asked. */
async function listPages(...pages: string[]) {
  let next = 0
  const server = await startHttpServer((_, response) => response.end(pages[Math.min(next++, pages.length - 1)]))
  endings.push(server.close)
  return { server, objects: list('s3://bucket/logs', {}, server.url) }
}

async function allOf(objects: AsyncIterable<S3ListedObject>): Promise<S3ListedObject[]> {
  const all: S3ListedObject[] = []
  for await (const object of objects) all.push(object)
  return all
}

const pageOf = (inner: string) => `<?xml version="1.0"?><ListBucketResult xmlns="x">${inner}</ListBucketResult>`
const entryOf = (key: string, size = '1') =>
  `<Contents><Key>${key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>${size}</Size></Contents>`

describe('listS3', () => {
  it.each([1, 2, 1000])('lists what lies below a prefix, %i at a time', async pageSize => {
    for (const url of ['s3://bucket/logs', 's3://bucket/logs/']) {
      const objects = await allOf(list(url, { pageSize }))
      expect(objects.map(({ key }) => key).sort()).toEqual(KEYS.filter(key => key.startsWith('logs/')).sort())
      for (const { key, sizeBytes, etag, lastModified } of objects) {
        expect(sizeBytes).toBe(Buffer.byteLength(key))
        expect(etag).toBe(`"${createHash('md5').update(key).digest('hex')}"`)
        expect(Math.abs(Date.now() - lastModified)).toBeLessThan(600_000)
      }
    }
  })

  it('lists a whole bucket, and an empty one', async () => {
    expect((await allOf(list('s3://bucket'))).map(({ key }) => key).sort()).toEqual([...KEYS].sort())
    expect(await allOf(list('s3://empty/'))).toEqual([])
    expect(await allOf(list('s3://bucket/nothing', {}, store.endpoint, { account: undefined }))).toEqual([])
  })

  it('explains what a store refuses', async () => {
    await expect(list('s3://other').next()).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    const account = { ...S3_ACCOUNT, secretAccessKey: 'wrong' }
    await expect(list('s3://bucket', {}, store.endpoint, { account }).next()).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      detail: expect.stringContaining('does not accept the signature'),
    })
    await expect(list('https://bucket').next()).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  it('asks for encoded keys and reads them, goes on where the page says', async () => {
    const { server, objects } = await listPages(
      pageOf(
        `<IsTruncated>true</IsTruncated><NextContinuationToken>1+/=&amp;</NextContinuationToken><EncodingType>url</EncodingType>${entryOf('logs/a+b%2B%25%C3%A4%0A')}`,
      ),
      pageOf(`<IsTruncated>false</IsTruncated>${entryOf(' a+b%2B&#13;&amp;&#x27;&lt;007')}${entryOf('007')}`),
    )
    const listed = await allOf(objects)
    expect(listed.map(({ key }) => key)).toEqual(['logs/a b+%ä\n', " a+b%2B\r&'<007", '007'])
    expect(listed[0]).toEqual({
      key: listed[0]?.key,
      sizeBytes: 1,
      etag: '"e"',
      lastModified: Date.UTC(2026, 0, 2, 3, 4, 5),
    })
    const [first, second] = server.requests.map(({ path }) => new URL(path, server.url))
    expect(first?.pathname).toBe('/bucket')
    expect(Object.fromEntries(first?.searchParams ?? [])).toMatchObject({
      'list-type': '2',
      'encoding-type': 'url',
      'max-keys': '1000',
      prefix: 'logs/',
    })
    expect(second?.searchParams.get('continuation-token')).toBe('1+/=&')
  })

  it.each([
    ['no XML', 'hello'],
    ['nothing', ''],
    ['another document', '<html/>'],
    ['a document that breaks off', pageOf('<IsTruncated>false</IsTruncated>').slice(0, -9)],
    ['entities of its own', `<!DOCTYPE x [<!ENTITY a "b">]>${pageOf('<IsTruncated>false</IsTruncated>')}`],
    ['no word on its end', pageOf('')],
    ['no token', pageOf('<IsTruncated>true</IsTruncated>')],
    ['a bad size', pageOf(`<IsTruncated>false</IsTruncated>${entryOf('k', '1e3')}`)],
    ['no key', pageOf(`<IsTruncated>false</IsTruncated>${entryOf('')}`)],
    ['a bad key', pageOf(`<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>${entryOf('%ff')}`)],
  ])('refuses a page with %s', async (_, page) => {
    const { objects } = await listPages(page)
    await expect(objects.next()).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: expect.stringContaining('the listing of 127.0.0.1'),
    })
  })

  it('does not go in circles, and takes no page without end', async () => {
    const same = pageOf('<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>')
    const circle = await listPages(same)
    await expect(circle.objects.next()).rejects.toMatchObject({ detail: expect.stringContaining('same page again') })
    expect(circle.server.requests).toHaveLength(2)
    const endless = await listPages(`<ListBucketResult>${' '.repeat(9 * 1024 * 1024)}`)
    await expect(endless.objects.next()).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: expect.stringMatching(/over 8388608 bytes/),
    })
  })

  it('reads a page of the most and longest keys', async () => {
    const entries = Array.from({ length: 1_000 }, (_, index) => entryOf(`${index}/${'%C3%A4'.repeat(500)}`))
    const { objects } = await listPages(
      pageOf(`<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>${entries.join('')}`),
    )
    expect(await allOf(objects)).toHaveLength(1_000)
  })

  it("ends with the signal's reason", async () => {
    const reason = new Error('the reader left')
    await expect(list('s3://bucket', { signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason)
    const abort = new AbortController()
    const objects = list('s3://bucket', { pageSize: 1, signal: abort.signal })
    await objects.next()
    abort.abort(reason)
    await expect(objects.next()).rejects.toBe(reason)
  })
})
