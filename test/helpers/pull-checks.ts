import { describe, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { type Answer, ask, ociCodeOf } from './ask.ts'
import type { ConformanceContent } from './conformance-content.ts'
import { OCI_INDEX } from './registry-mock.ts'

/** A registry, or what stands before one. */
export interface PullSubject {
  readonly content: ConformanceContent
  /** The URL of a path behind the repository's name, such as `manifests/v1`, or of the base when none is given. */
  url(path?: string): string
}

const UNKNOWN = digestOf(Buffer.from('nobody has this'))
const ACCEPT = [
  'application/vnd.oci.image.manifest.v1+json',
  OCI_INDEX,
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ')

/** The pull checks of the OCI conformance suite, which every registry and mirror must pass. Run them twice for a cache. */
export function describePullChecks(subject: () => PullSubject): void {
  const get = (path?: string, headers: Record<string, string> = {}) => ask(withPath(path), { headers })
  const head = (path?: string, headers: Record<string, string> = {}) => ask(withPath(path), { method: 'HEAD', headers })
  const withPath = (path?: string) => subject().url(path)

  test('the base says that the API is there', async () => {
    expect((await get()).status).toBe(200)
  })

  describe('blobs', () => {
    test.for(['layer', 'empty', 'sha512'] as const)('HEAD and GET: %s', async name => {
      const { digest, bytes } = subject().content.blobs[name]
      const answers = [await head(`blobs/${digest}`), await get(`blobs/${digest}`)]
      for (const answer of answers) expectDescribed(answer, digest, bytes.length)
      expect(answers.map(({ body }) => body.length)).toEqual([0, bytes.length])
      expect(answers[1]?.body.equals(bytes)).toBe(true)
    })

    test.for([
      ['500-1499', 500, 1500],
      ['500-', 500, 2048],
      ['-500', 1548, 2048],
      ['2000-5000', 2000, 2048],
      ['0-', 0, 2048],
      ['2047-2047', 2047, 2048],
    ] as const)('range %s of 2048 bytes', async ([range, start, end]) => {
      const { digest, bytes } = subject().content.blobs.layer
      const answer = await get(`blobs/${digest}`, { range: `bytes=${range}` })
      expect(answer.status).toBe(206)
      expect(answer.headers['content-length']).toBe(String(end - start))
      expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/2048`)
      expect(answer.body.equals(bytes.subarray(start, end))).toBe(true)
    })

    test.for(['500-0', '5000-10000', '2048-'])('range %s of 2048 bytes lies outside', async range => {
      const { digest } = subject().content.blobs.layer
      const answer = await get(`blobs/${digest}`, { range: `bytes=${range}` })
      expect(answer.status).toBe(416)
      expect(answer.headers['content-range']).toBe('bytes */2048')
      expect(answer.headers['content-length']).toBe(String(answer.body.length))
    })

    test('one that is unknown, and a foreign layer', async () => {
      for (const digest of [UNKNOWN, subject().content.foreign]) {
        expectRefused(await get(`blobs/${digest}`), 404, 'BLOB_UNKNOWN')
        expect((await head(`blobs/${digest}`)).status).toBe(404)
      }
    })
  })

  describe('manifests', () => {
    test('by each tag and by digest', async () => {
      const { image, tags } = subject().content
      for (const reference of [...tags, image.digest]) await expectManifest(reference, image)
    })

    test('of every kind', async () => {
      const { manifests, referrers } = subject().content
      for (const manifest of [...Object.values(manifests), ...Object.values(referrers)]) {
        await expectManifest(manifest.digest, manifest)
      }
    })

    test('that are unknown, by tag and by digest', async () => {
      for (const reference of ['unknown', UNKNOWN]) {
        expectRefused(await get(`manifests/${reference}`, { accept: ACCEPT }), 404, 'MANIFEST_UNKNOWN')
        expect((await head(`manifests/${reference}`, { accept: ACCEPT })).status).toBe(404)
      }
    })

    test.for(['manifests', 'blobs', 'referrers'])('a malformed digest is refused: %s', async kind => {
      expectRefused(await get(`${kind}/sha256:baddigeststring`), 400, 'DIGEST_INVALID')
    })

    async function expectManifest(reference: string, { digest, mediaType, text }: ConformanceContent['image']) {
      const headers = { accept: ACCEPT }
      const answers = [
        await head(`manifests/${reference}`, headers),
        await get(`manifests/${reference}`, headers),
      ] as const
      for (const answer of answers) {
        expectDescribed(answer, digest, text.length)
        expect(answer.headers['content-type']).toBe(mediaType)
      }
      expect(answers.map(({ body }) => body.toString())).toEqual(['', text])
    }
  })

  describe('lists', () => {
    test.for([
      ['', (tags: readonly string[]) => tags],
      ['?n=2', (tags: readonly string[]) => tags.slice(0, 2)],
      ['?n=2&last=beta', (tags: readonly string[]) => tags.slice(2)],
      ['?last=alpha', (tags: readonly string[]) => tags.slice(1)],
      ['?n=0', () => []],
    ] as const)('tags%s', async ([query, expected]) => {
      const { repository, tags } = subject().content
      const { status, body, headers } = await get(`tags/list${query}`)
      expect(status).toBe(200)
      expect(JSON.parse(body.toString())).toEqual({ name: repository, tags: expected(tags) })
      expect(headers.link === undefined).toBe(query !== '?n=2')
    })

    test("a page's link leads to the rest", async () => {
      const { headers } = await get('tags/list?n=3')
      const [, path = ''] = /^<([^>]+)>; rel="next"$/.exec(String(headers.link)) ?? []
      const next = new URL(path, withPath())
      // A client asks the same mirror in the same way; containerd puts `ns` on every request.
      for (const [name, value] of new URL(withPath()).searchParams) next.searchParams.set(name, value)
      const { status, body } = await ask(next.href)
      expect(status).toBe(200)
      expect(JSON.parse(body.toString()).tags).toEqual(subject().content.tags.slice(3))
    })

    test('referrers: all, filtered, none', async () => {
      const { image, referrers } = subject().content
      const all = await referrersOf(image.digest)
      expect(all.digests).toEqual(Object.values(referrers).map(({ digest }) => digest))
      expect(all.filters).toBeUndefined()
      for (const [artifactType, { digest }] of Object.entries(referrers)) {
        const filtered = await referrersOf(image.digest, `?artifactType=${encodeURIComponent(artifactType)}`)
        expect(filtered).toEqual({ digests: [digest], filters: 'artifactType' })
      }
      expect((await referrersOf(UNKNOWN)).digests).toEqual([])
    })

    async function referrersOf(digest: string, query = '') {
      const { status, headers, body } = await get(`referrers/${digest}${query}`)
      expect([status, headers['content-type']]).toEqual([200, OCI_INDEX])
      const { manifests } = JSON.parse(body.toString()) as { manifests: { digest: string }[] }
      return { digests: manifests.map(manifest => manifest.digest), filters: headers['oci-filters-applied'] }
    }
  })
}

function expectDescribed({ status, headers }: Answer, digest: string, sizeBytes: number): void {
  expect(status).toBe(200)
  expect(headers).toMatchObject({ 'docker-content-digest': digest, 'content-length': String(sizeBytes) })
  expect(headers['content-encoding']).toBeUndefined()
}

function expectRefused(answer: Answer, status: number, code: string): void {
  expect([answer.status, ociCodeOf(answer)]).toEqual([status, code])
}
