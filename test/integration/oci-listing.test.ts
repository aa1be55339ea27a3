import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { FoundFile } from '../../dfget/sources/found-file.ts'
import { userDockerConfigs } from '../../dfget/sources/oci/docker-config-files.ts'
import { listOci, type OciListingOptions } from '../../dfget/sources/oci/list-oci.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/logger.ts'
import { createCredentialStore } from '../../lib/origin/credentials/create-credential-store.ts'
import type { CredentialStore } from '../../lib/origin/credentials/credential-store.ts'
import { createHttpOrigin } from '../../lib/origin/http-origin.ts'
import type { Source } from '../../lib/origin/origin.ts'
import { type Digest, digestOf } from '../../protocol/digest.ts'
import type { RegistryMock } from '../../registry-mock/create-registry-mock.ts'
import { allOf, fetcherForTest, pathsOf, startSite } from '../helpers/listing.ts'
import { readAll } from '../helpers/origin-content.ts'
import { BASIC, OCI_INDEX, OCI_MANIFEST, pushBlob, putManifest, startRegistryMock } from '../helpers/registry-mock.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

const EMPTY = { mediaType: 'application/vnd.oci.empty.v1+json', bytes: '{}' }
const TITLE = 'org.opencontainers.image.title'

interface Blob {
  readonly mediaType?: string
  readonly bytes: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** Pushes an artifact as ORAS does. @returns the digest of its manifest */
async function pushArtifact(
  registry: RegistryMock,
  reference: string,
  layers: readonly Blob[],
  config: Blob = EMPTY,
): Promise<string> {
  const [repository = '', tag] = reference.split(':')
  const describe = async ({ bytes, ...rest }: Blob) => {
    const content = Buffer.from(bytes)
    return {
      mediaType: 'application/octet-stream',
      ...rest,
      digest: await pushBlob(registry, repository, content),
      size: content.length,
    }
  }
  const described = []
  for (const layer of layers) described.push(await describe(layer))
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: await describe(config), layers: described }
  const text = JSON.stringify(manifest)
  const response = await putManifest(registry, `${repository}/manifests/${tag ?? digestOf(Buffer.from(text))}`, text)
  expect(response.status).toBe(201)
  return digestOf(Buffer.from(text))
}

const titled = (title: string, bytes: string, more: Partial<Blob> = {}): Blob => ({
  bytes,
  ...more,
  annotations: { [TITLE]: title, ...more.annotations },
})

function list(url: string, options: Partial<OciListingOptions> = {}, credentials?: CredentialStore) {
  return listOci({ fetcher: fetcherForTest(), credentials }, url, { signal: AbortSignal.timeout(30_000), ...options })
}

/** What an origin reads under a source that a listing gave. */
async function contentOf(source: Source): Promise<Buffer> {
  const content = await createHttpOrigin({ fetcher: fetcherForTest() }).open(source)
  return readAll(content.body)
}

/** What the content of a file hashes to. */
async function digestOfContent(file: FoundFile | undefined): Promise<Digest> {
  if (file === undefined) throw new Error('there is no file')
  return digestOf(await contentOf(file.source))
}

describe('an artifact', () => {
  test('is its files, in order, each under its name and digest', async () => {
    const registry = await startRegistryMock()
    const digest = await pushArtifact(registry, 'team/model:v1', [
      titled('weights.safetensors', 'weights'),
      titled('docs/read me.md', 'read'),
      titled('tokenizer', 'packed', {
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        annotations: { 'io.deis.oras.content.unpack': 'true' },
      }),
      EMPTY,
      { bytes: 'untitled' },
    ])
    const files = await allOf(list(`oci://${registry.host}/team/model:v1`))
    const hex = digestOf(Buffer.from('untitled')).slice('sha256:'.length)
    const expected = [
      ['weights.safetensors', 'weights'],
      ['docs/read me.md', 'read'],
      ['tokenizer.tar.gz', 'packed'],
      [`${hex.slice(0, 12)}.bin`, 'untitled'],
    ]
    expect(files.map(({ path }) => path)).toEqual(expected.map(([path]) => path))
    for (const [index, { source, digests, sizeBytes }] of files.entries()) {
      const bytes = expected[index]?.[1] ?? ''
      const blob = digestOf(Buffer.from(bytes))
      expect(source.url).toBe(`${registry.url}/v2/team/model/blobs/${blob}`)
      expect([source.digest, digests, sizeBytes]).toEqual([blob, [blob], bytes.length])
      expect((await contentOf(source)).toString()).toBe(bytes)
    }
    expect(await pathsOf(list(`oci://${registry.host}/team/model:other@${digest}`))).toEqual(
      files.map(({ path }) => path),
    )
    expect(await pathsOf(list(`oci://${registry.host}/team/model:v1`, { include: ['docs/*'] }))).toEqual([
      'docs/read me.md',
    ])
    expect(await pathsOf(list(`oci://${registry.host}/team/model:v1`, { exclude: ['*.*'] }))).toEqual([])
  })

  test('has its config among its files when that has a name', async () => {
    const registry = await startRegistryMock()
    await pushArtifact(registry, 'a:latest', [titled('b', 'b')], titled('config.json', '{"x":1}'))
    expect(await pathsOf(list(`oci://${registry.host}/a`))).toEqual(['config.json', 'b'])
    await pushArtifact(registry, 'a:plain', [titled('b', 'b')], { bytes: '{"x":1}' })
    expect(await pathsOf(list(`oci://${registry.host}/a:plain`))).toEqual(['b'])
  })

  test('may name a blob twice', async () => {
    const registry = await startRegistryMock()
    await pushArtifact(registry, 'a:latest', [
      titled('b', 'x'),
      titled('b', 'x'),
      titled('c', 'x'),
      { bytes: 'x' },
      { bytes: 'x' },
    ])
    expect(await pathsOf(list(`oci://${registry.host}/a`))).toEqual([
      'b',
      'c',
      expect.stringMatching(/^[0-9a-f]{12}\.bin$/),
    ])
  })

  test('that gives two blobs one name is refused', async () => {
    const registry = await startRegistryMock()
    await pushArtifact(registry, 'a:latest', [titled('b', 'x'), titled('b', 'y')])
    await expect(pathsOf(list(`oci://${registry.host}/a`))).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
  })

  test.each(['../../etc/passwd', '/etc/passwd', 'a/../../b'])(
    'with a file called %s gives none at all',
    async title => {
      const registry = await startRegistryMock()
      await pushArtifact(registry, 'a:latest', [titled('good', 'x'), titled(title, 'y')])
      const listing = list(`oci://${registry.host}/a`)
      await expect(listing.next()).rejects.toMatchObject({
        code: 'MANIFEST_INVALID',
        detail: expect.stringContaining(`is called "${title}", which is no path below the output directory`),
      })
    },
  )
})

describe('an image', () => {
  test('is its layers', async () => {
    const registry = await startRegistryMock()
    const image = await registry.generateImage({
      repository: 'library/demo',
      tag: 'v1',
      layers: 3,
      sizeBytes: 128 * 1024,
    })
    const files = await allOf(list(`oci://${registry.host}/library/demo:v1`))
    expect(files.map(({ digests }) => digests)).toEqual(image.layers.map(({ digest }) => [digest]))
    expect(files.every(({ path }) => /^[0-9a-f]{12}\.tar$/.test(path))).toBe(true)
  })

  test('for several platforms is that of one', async () => {
    const registry = await startRegistryMock()
    const digests = {
      amd64: await pushArtifact(registry, 'a', [titled('for-amd64', 'x')]),
      arm64: await pushArtifact(registry, 'a', [titled('for-arm64', 'y')]),
    }
    const manifests = Object.entries(digests).map(([architecture, digest]) => ({
      ...{ mediaType: OCI_MANIFEST, digest, size: 1 },
      platform: { os: 'linux', architecture },
    }))
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests }
    expect((await putManifest(registry, 'a/manifests/v1', index, OCI_INDEX)).status).toBe(201)
    const url = `oci://${registry.host}/a:v1`
    expect(await pathsOf(list(url, { platform: 'linux/arm64' }))).toEqual(['for-arm64'])
    expect(await pathsOf(list(url))).toEqual([process.arch === 'arm64' ? 'for-arm64' : 'for-amd64'])
    await expect(pathsOf(list(url, { platform: 'linux/s390x' }))).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      detail: `${registry.host}/a:v1 has nothing for linux/s390x; it has linux/amd64, linux/arm64`,
    })
  })
})

describe('a registry that wants an account', () => {
  /** The accounts of a user who has logged in with these credentials. */
  async function loggedIn(host: string, credentials: string): Promise<CredentialStore> {
    const home = await createScratchDirectory()
    onTestFinished(() => home[Symbol.asyncDispose]())
    await mkdir(join(home.path, '.docker'))
    const config = { auths: { [host]: { auth: btoa(credentials) } } }
    await writeFile(join(home.path, '.docker', 'config.json'), JSON.stringify(config))
    const dockerConfigs = userDockerConfigs({ HOME: home.path })
    const store = createCredentialStore({ logger: silentLogger(), clock: systemClock }, { dockerConfigs })
    await store.start()
    onTestFinished(() => store.stop())
    return store
  }

  async function privateRegistry(mode: 'basic' | 'bearer'): Promise<RegistryMock> {
    const registry = await startRegistryMock({ auth: { mode } })
    await registry.generateImage({ repository: 'team/demo', tag: 'v1', layers: 1, sizeBytes: 64 * 1024 })
    return registry
  }

  test.each(['basic', 'bearer'] as const)('by %s gets that of docker, also for the blobs', async mode => {
    const registry = await privateRegistry(mode)
    const store = await loggedIn(registry.host, 'user:password')
    const [file] = await allOf(list(`oci://${registry.host}/team/demo:v1`, {}, store))
    expect(file?.source.credentials).toEqual({ username: 'user', password: 'password' })
    expect(await digestOfContent(file)).toBe(file?.source.digest)
  })

  test('and does not take a header of the user says just that', async () => {
    const registry = await privateRegistry('basic')
    const listing = list(`oci://${registry.host}/team/demo:v1`, { headers: { Authorization: 'Basic eDp5' } })
    const detail = `${registry.host}/team/demo:v1 answered 401`
    await expect(pathsOf(listing)).rejects.toMatchObject({ code: 'UNAUTHORIZED', detail })
  })

  test('gets a header of the user in its place', async () => {
    const registry = await privateRegistry('basic')
    const store = await loggedIn(registry.host, 'user:wrong')
    const [file] = await allOf(list(`oci://${registry.host}/team/demo:v1`, { headers: BASIC }, store))
    expect(await digestOfContent(file)).toBe(file?.source.digest)
  })

  test.each([
    ['none', undefined, 'to a request without an account of docker'],
    ['a wrong one', 'user:wrong', 'to the account that docker has for it'],
  ])('and gets %s says so', async (_, credentials, what) => {
    const registry = await privateRegistry('basic')
    const store = credentials === undefined ? undefined : await loggedIn(registry.host, credentials)
    await expect(pathsOf(list(`oci://${registry.host}/team/demo:v1`, {}, store))).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      originStatus: 401,
      detail: `${registry.host}/team/demo:v1 answered 401 ${what}`,
    })
  })
})

describe('a registry that does not help', () => {
  test.each(['team/demo:v2', 'team/other:v1', `team/demo@${digestOf(Buffer.from('other'))}`])(
    'has no %s',
    async reference => {
      const registry = await startRegistryMock()
      await registry.generateImage({ repository: 'team/demo', tag: 'v1', layers: 1, sizeBytes: 64 * 1024 })
      await expect(pathsOf(list(`oci://${registry.host}/${reference}`))).rejects.toMatchObject({
        code: 'MANIFEST_UNKNOWN',
        originStatus: 404,
        detail: `${registry.host}/${reference} answered 404`,
      })
    },
  )

  const MANIFEST = JSON.stringify({ config: { digest: digestOf(Buffer.from('{}')), size: 2 }, layers: [] })
  const TOO_LARGE = Buffer.alloc(4 * 1024 * 1024 + 1, ' ')
  const DIGEST = digestOf(Buffer.from(MANIFEST))

  test.each([
    ['sends another manifest than asked for', `@${digestOf(Buffer.from('x'))}`, MANIFEST, {}, 'CONTENT_CORRUPT'],
    ['contradicts itself', ':v1', MANIFEST, { 'docker-content-digest': digestOf(Buffer.from('x')) }, 'CONTENT_CORRUPT'],
    ['sends too much', ':v1', TOO_LARGE, {}, 'MANIFEST_INVALID'],
    ['sends too much without saying', ':v1', TOO_LARGE, { 'transfer-encoding': 'chunked' }, 'MANIFEST_INVALID'],
    ['sends a page', ':v1', '<html>', { 'content-type': 'text/html' }, 'MANIFEST_INVALID'],
    ['encodes it', ':v1', MANIFEST, { 'content-encoding': 'gzip' }, 'ORIGIN_FAILED'],
    ['is broken', ':v1', 'broken', { status: 500 }, 'ORIGIN_FAILED'],
    ['names a digest that is none', ':v1', MANIFEST, { 'docker-content-digest': 'x' }, undefined],
    ['is asked by digest', `@${DIGEST}`, MANIFEST, {}, undefined],
  ])('%s', async (_, reference, body, { status = 200, ...headers }: Record<string, string | number>, code) => {
    const answer = typeof body === 'string' ? Buffer.from(body) : body
    const length = 'transfer-encoding' in headers ? {} : { 'content-length': answer.length }
    const site = await startSite({
      [`/v2/a/manifests/${reference.slice(1)}`]: (_, response) =>
        response.writeHead(Number(status), { ...length, ...headers }).end(answer),
    })
    const listed = pathsOf(list(`oci://${new URL(site.url).host}/a${reference}`))
    if (code === undefined) expect(await listed).toEqual([])
    else await expect(listed).rejects.toMatchObject({ code })
  })

  test('breaks off', async () => {
    const site = await startSite({
      '/v2/a/manifests/latest': async (_, response) => {
        response.writeHead(200, { 'content-length': 100 })
        await new Promise(resolve => response.write('{', resolve))
        response.destroy()
      },
    })
    await expect(pathsOf(list(`oci://${new URL(site.url).host}/a`))).rejects.toMatchObject({
      code: 'ORIGIN_UNREACHABLE',
    })
  })

  test('names an index in an index', async () => {
    const inner = JSON.stringify({ manifests: [] })
    const outer = JSON.stringify({ manifests: [{ digest: digestOf(Buffer.from(inner)) }] })
    const site = await startSite({
      '/v2/a/manifests/latest': (_, response) => response.end(outer),
      [`/v2/a/manifests/${digestOf(Buffer.from(inner))}`]: (_, response) => response.end(inner),
    })
    await expect(pathsOf(list(`oci://${new URL(site.url).host}/a`))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      detail: expect.stringContaining('is an index that names an index'),
    })
  })
})
