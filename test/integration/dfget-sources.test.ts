import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { request as forward } from 'node:http'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import type { RegistryMock } from '../../registry-mock/create-registry-mock.ts'
import { ask } from '../helpers/ask.ts'
import { startCluster } from '../helpers/cluster.ts'
import { contentHandler, createDfgetUser, type DfgetUser, lastJson, serveForTest } from '../helpers/dfget-user.ts'
import { indexPage, startSite } from '../helpers/listing.ts'
import { OCI_MANIFEST, patternBytes, pushBlob, putManifest, startRegistryMock } from '../helpers/registry-mock.ts'
import { S3_ACCOUNT, startS3Server } from '../helpers/s3-server.ts'
import { waitFor } from '../helpers/wait.ts'

const AMAZON = { AWS_ACCESS_KEY_ID: S3_ACCOUNT.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_ACCOUNT.secretAccessKey }

let user: DfgetUser
beforeEach(async () => {
  user = await createDfgetUser(AMAZON)
})
afterEach(async () => {
  // Nothing is ever written beside the directories that a test names.
  const found = await readdir(user.home)
  await user[Symbol.asyncDispose]()
  expect(found.filter(name => !['out', 'data'].includes(name))).toEqual([])
})

/** What each file below the output directory has. */
async function written(): Promise<Record<string, string>> {
  const out = join(user.home, 'out')
  const entries = await readdir(out, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter(entry => !entry.isDirectory()).map(entry => join(entry.parentPath, entry.name))
  const pairs = files.sort().map(async path => [path.slice(out.length + 1), await readFile(path, 'utf8')] as const)
  return Object.fromEntries(await Promise.all(pairs))
}

const fetchAll = (...args: string[]) => user.run('--quiet', '-O', 'out', '--retry', '0', ...args)

const file = (text: string) => contentHandler(Buffer.from(text))

describe('--recursive over a web server', () => {
  const SITE = {
    '/pub/': indexPage('a.bin', 'b.txt', 'sub/', 'skipped/', '/elsewhere', '..%2f..%2fevil', '//other.example/x'),
    '/pub/a.bin': file('a'),
    '/pub/b.txt': file('b'),
    '/pub/sub/': indexPage('c.bin', 'deeper/', '../../outside'),
    '/pub/sub/c.bin': file('c'),
    '/pub/sub/deeper/': indexPage('d.bin'),
    '/pub/sub/deeper/d.bin': file('d'),
    '/pub/skipped/': indexPage('e.bin'),
    '/pub/skipped/e.bin': file('e'),
    '/pub/..%2f..%2fevil': file('evil'),
    '/outside': file('outside'),
    '/elsewhere': file('elsewhere'),
  }

  test('all files below it come, each in its directory, and a second run leaves them', async () => {
    const site = await startSite(SITE)
    const args = ['--recursive', '--include', '*.bin', '--exclude', 'skipped/**', `${site.url}/pub/`]
    expect(await fetchAll(...args)).toEqual({ code: 0, stdout: '', stderr: '' })
    const expected = { 'a.bin': 'a', 'sub/c.bin': 'c', 'sub/deeper/d.bin': 'd' }
    expect(await written()).toEqual(expected)
    const contentPaths = () => site.requests.map(({ path }) => path).filter(path => path.endsWith('.bin'))
    expect(contentPaths().sort()).toEqual(['/pub/a.bin', '/pub/sub/c.bin', '/pub/sub/deeper/d.bin'])

    await writeFile(join(user.home, 'out', 'a.bin'), 'mine')
    expect((await fetchAll('--skip-existing', ...args)).code).toBe(0)
    expect(await written()).toEqual({ ...expected, 'a.bin': 'mine' })
    expect(contentPaths()).toHaveLength(3)
    expect((await user.leftovers()).cache).toBe(0)
  })

  test('a name with slashes in it stays one name', async () => {
    const site = await startSite(SITE)
    expect((await fetchAll('-r', '--include', '*evil', `${site.url}/pub/`)).code).toBe(0)
    expect(await written()).toEqual({ '..%2f..%2fevil': 'evil' })
  })

  test('a file that fails is said, and the others come', async () => {
    const site = await startSite({ ...SITE, '/pub/sub/c.bin': (_request, response) => response.writeHead(403).end() })
    const { code, stderr } = await fetchAll('-r', '--include', '*.bin', `${site.url}/pub/`)
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^dfget: http.*\/pub\/sub\/c\.bin: .* answered 403: it does not let you read this/),
      'dfget: 1 of 4 downloads failed',
    ])
    expect(code).toBe(22)
    expect(await written()).toEqual({ 'a.bin': 'a', 'sub/deeper/d.bin': 'd', 'skipped/e.bin': 'e' })
  })

  test('a directory that cannot be listed, or has nothing that is wanted, is said in one line', async () => {
    const site = await startSite(SITE)
    const { code, stderr } = await fetchAll('-r', `${site.url}/missing/`)
    expect({ code, stderr }).toEqual({ code: 22, stderr: expect.stringMatching(/^dfget: [^\n]*404[^\n]*\n$/) })
    const none = await fetchAll('-r', '--include', '*.iso', `${site.url}/pub/`)
    expect(none).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^dfget: [^\n]* has no file that is wanted\n$/),
    })
  })
})

describe('s3://', () => {
  async function startStore(objects: Readonly<Record<string, Buffer>>) {
    const store = await startS3Server('bucket')
    onTestFinished(() => store[Symbol.asyncDispose]())
    for (const [key, content] of Object.entries(objects)) await store.put('bucket', key, content)
    return store
  }

  test('an object, and all below a prefix', async () => {
    const objects = { 'models/1/a': 'a', 'models/1/b c+d': 'b', 'models/2': 'c', other: 'd' }
    const buffers = Object.entries(objects).map(([key, text]) => [key, Buffer.from(text)] as const)
    const store = await startStore(Object.fromEntries(buffers))
    const from = ['--s3-endpoint', store.endpoint]
    expect(await fetchAll(...from, '-O', 'out/one', 's3://bucket/models/1/a')).toMatchObject({ code: 23 })
    await mkdir(join(user.home, 'out'))
    expect(await fetchAll(...from, 's3://bucket/models/1/a')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await written()).toEqual({ a: 'a' })
    expect((await fetchAll(...from, '-r', 's3://bucket/models')).code).toBe(0)
    expect(await written()).toEqual({ a: 'a', '1/a': 'a', '1/b c+d': 'b', '2': 'c' })
    const missing = await fetchAll(...from, 's3://bucket/nothing')
    expect(missing).toMatchObject({ code: 22, stderr: expect.stringMatching(/^dfget: [^\n]*does not exist[^\n]*\n$/) })
  })

  test('the second user takes an object from the swarm, though its URL was presigned anew', async () => {
    const content = Buffer.from(patternBytes(900_000))
    const store = await startStore({ 'disk.img': content })
    const front = await serveForTest((request, response) => {
      const { method, headers } = request
      return forward(`${store.endpoint}${request.url}`, { method, headers }, answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      }).end()
    })
    await using cluster = await startCluster()
    const supernode = await cluster.supernode()
    const args = ['--json', '--quiet', '--supernode', supernode.url, '--s3-endpoint', front.url, 's3://bucket/disk.img']
    await mkdir(join(user.home, 'out'))
    const first = await user.run('-O', 'out/first', ...args)
    expect(lastJson(first.stdout)).toMatchObject({ digest: digestOf(content), originBytes: 0 })
    // A signature holds the second in which it was made.
    const signedAt = Math.floor(Date.now() / 1000)
    await waitFor(async () => Date.now() / 1000 > signedAt + 1, { timeoutMs: 5_000, what: 'the next second' })
    await using other = await createDfgetUser(AMAZON)
    const second = await other.run('-O', 'second', ...args)
    expect(lastJson(second.stdout)).toMatchObject({ digest: digestOf(content), originBytes: 0 })
    const reads = front.requests.filter(({ method, headers }) => method === 'GET' && headers.range === undefined)
    expect(reads).toHaveLength(1)
    expect(new Set(front.requests.map(({ path }) => path)).size).toBeGreaterThan(1)
    expect(JSON.parse((await ask(`${supernode.url}/api/v1/tasks`)).body.toString())).toHaveLength(1)
  })
})

describe('file://', () => {
  test('a directory is copied, links are left out', async () => {
    const root = join(user.elsewhere, 'tree')
    for (const [path, text] of [
      ['a', 'a'],
      ['sub/ü b', 'b'],
      ['sub/c.tmp', 'c'],
    ] as const) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
    }
    await symlink('/etc/passwd', join(root, 'link'))
    const url = pathToFileURL(root).href
    expect(await fetchAll('-r', '--exclude', '*.tmp', url)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await written()).toEqual({ a: 'a', 'sub/ü b': 'b' })
    expect(await fetchAll(url)).toMatchObject({ code: 2, stderr: expect.stringContaining('is a directory; name a') })
    const missing = await fetchAll(`${url}/nothing`)
    expect(missing).toMatchObject({ code: 22, stderr: expect.stringMatching(/^dfget: [^\n]*does not exist[^\n]*\n$/) })
  })
})

describe('oci://', () => {
  async function pushArtifact(registry: RegistryMock, files: Readonly<Record<string, string>>): Promise<void> {
    const describeBlob = async (text: string) => {
      const bytes = Buffer.from(text)
      return {
        mediaType: 'application/octet-stream',
        digest: await pushBlob(registry, 'team/model', bytes),
        size: bytes.length,
      }
    }
    const layers = []
    for (const [title, text] of Object.entries(files)) {
      layers.push({ ...(await describeBlob(text)), annotations: { 'org.opencontainers.image.title': title } })
    }
    const config = { ...(await describeBlob('{}')), mediaType: 'application/vnd.oci.empty.v1+json' }
    const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }
    expect((await putManifest(registry, 'team/model/manifests/v1', manifest)).status).toBe(201)
  }

  test('the files of an artifact come under their names, checked', async () => {
    const registry = await startRegistryMock()
    await pushArtifact(registry, { 'weights.bin': 'weights', 'docs/readme.md': 'read' })
    const url = `oci://${registry.host}/team/model:v1`
    expect(await fetchAll(url)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await written()).toEqual({ 'weights.bin': 'weights', 'docs/readme.md': 'read' })
    registry.faults.set([{ match: { kind: 'blob' }, action: 'corrupt' }])
    const { code, stderr } = await fetchAll('--overwrite', '--include', '*.bin', url)
    expect({ code, stderr }).toEqual({ code: 65, stderr: expect.stringContaining('does not match its digest') })
    expect(await written()).toEqual({ 'weights.bin': 'weights', 'docs/readme.md': 'read' })
  })

  test('a name that leads outside is refused, and nothing is written', async () => {
    const registry = await startRegistryMock()
    await pushArtifact(registry, { '../../evil': 'evil' })
    const { code, stderr } = await fetchAll(`oci://${registry.host}/team/model:v1`)
    expect(stderr).toMatch(/^dfget: [^\n]+\n$/)
    expect(code).not.toBe(0)
    expect(await written()).toEqual({})
  })
})
