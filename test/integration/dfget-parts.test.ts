import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster } from '../helpers/cluster.ts'
import { createDfgetUser, type DfgetUser, lastJson, serveForTest } from '../helpers/dfget-user.ts'
import type { TestHandler } from '../helpers/http-server.ts'
import { patternBytes, serveContent } from '../helpers/origin-content.ts'

const MIB = 1024 * 1024
const COMPARED_BYTES = 64 * 1024
const CONTENT = patternBytes(3 * MIB + 17)

let user: DfgetUser
beforeEach(async () => {
  user = await createDfgetUser()
})
afterEach(() => user[Symbol.asyncDispose]())

const serve: TestHandler = (request, response) => serveContent(request, response, CONTENT)
/** Knows neither ranges nor lengths. */
const serveChunked: TestHandler = (request, response) =>
  response.writeHead(200).end(request.method === 'HEAD' ? undefined : CONTENT)

const file = (name = 'a') => join(user.home, name)

describe('--range', () => {
  test.each([
    ['0-499', 0, 500],
    ['1000000-', 1_000_000, CONTENT.length],
    ['-500', CONTENT.length - 500, CONTENT.length],
    ['3145740-9999999', 3_145_740, CONTENT.length],
  ])('%s is that part of the file', async (range, start, end) => {
    const server = await serveForTest(serve)
    const { code, stdout } = await user.run('--json', '--quiet', '--range', range, `${server.url}/a`)
    expect(code).toBe(0)
    const part = CONTENT.subarray(start, end)
    expect(await readFile(file())).toEqual(part)
    expect(lastJson(stdout)).toMatchObject({ sizeBytes: part.length, digest: digestOf(part), originBytes: part.length })
    const asked = server.requests.filter(({ method }) => method === 'GET').map(({ headers }) => headers.range)
    expect(asked).toEqual([`bytes=${start}-${end - 1}`])
    expect(await user.leftovers()).toEqual({ files: ['a'], cache: 0 })
  })

  test.each([
    ['3145745-', serve],
    ['9999999-99999999', serve],
    ['9999999-', serveChunked],
  ])('%s outside the content is refused, and no file is left', async (range, handler) => {
    const server = await serveForTest(handler)
    const { code, stderr } = await user.run('--range', range, `${server.url}/a`)
    expect(stderr).toMatch(/^dfget: [^\n]+\n$/)
    expect(code).toBe(33)
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })

  test('of content whose length nobody knows is read from its beginning, and cannot be the last bytes', async () => {
    const server = await serveForTest(serveChunked)
    expect((await user.run('--quiet', '--range', '1000-1999', '-O', 'a', `${server.url}/x`)).code).toBe(0)
    expect(await readFile(file())).toEqual(CONTENT.subarray(1_000, 2_000))
    const { code, stderr } = await user.run('--range=-500', '-O', 'b', `${server.url}/x`)
    expect({ code, stderr }).toEqual({ code: 33, stderr: expect.stringContaining('nobody knows where') })
  })

  test('comes from the swarm where there is one', async () => {
    await using cluster = await startCluster()
    const supernode = await cluster.supernode()
    const blob = await seedBlob(cluster.registry, 3 * MIB)
    const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
    const args = ['--json', '--quiet', '--supernode', supernode.url, '--range', '1000000-1999999', '-O', 'a', url]
    const { code, stdout } = await user.run(...args)
    expect(code).toBe(0)
    expect(await readFile(file())).toEqual(Buffer.from(blob.bytes.subarray(1_000_000, 2_000_000)))
    expect(lastJson(stdout)).toMatchObject({ sizeBytes: 1_000_000, originBytes: 0 })
  })

  test('to standard output', async () => {
    const server = await serveForTest(serve)
    await using shell = await user.shell('dfget --quiet -O - --range 100-199 "$1" | wc -c', `${server.url}/a`)
    await shell.exited
    expect(shell.stdout.text().trim()).toBe('100')
  })
})

describe('--continue', () => {
  const go = (...args: string[]) => user.run('--json', '--quiet', '--continue', ...args)

  test.each([
    ['some bytes', 500],
    ['more than is compared', MIB + 7],
    ['all of it', CONTENT.length],
    ['nothing', 0],
  ])('a file that has %s is completed, and what is there is not read again but for its end', async (_, length) => {
    const server = await serveForTest(serve)
    await writeFile(file(), CONTENT.subarray(0, length))
    const { code, stdout } = await go('--digest', digestOf(CONTENT), `${server.url}/a`)
    expect(code).toBe(0)
    expect(await readFile(file())).toEqual(CONTENT)
    const from = Math.max(0, length - COMPARED_BYTES)
    const { digest, sizeBytes, originBytes } = lastJson(stdout)
    expect({ digest, sizeBytes, originBytes }).toEqual({
      digest: digestOf(CONTENT),
      sizeBytes: CONTENT.length,
      originBytes: CONTENT.length - from,
    })
    const ranges = server.requests.filter(({ method }) => method === 'GET').map(({ headers }) => headers.range)
    expect(ranges).toEqual([from === 0 ? undefined : `bytes=${from}-`])
    expect(await user.leftovers()).toEqual({ files: ['a'], cache: 0 })
  })

  test('a file that is not there is downloaded', async () => {
    const server = await serveForTest(serve)
    expect((await go(`${server.url}/a`)).code).toBe(0)
    expect(await readFile(file())).toEqual(CONTENT)
  })

  const longer = Buffer.concat([CONTENT, Buffer.from('more')])
  const muchLonger = Buffer.concat([CONTENT, CONTENT])
  const otherAtItsEnd = Buffer.concat([CONTENT.subarray(0, MIB), Buffer.from('other')])
  test.each<[string, Buffer, TestHandler]>([
    ['is longer', longer, serve],
    ['is much longer', muchLonger, serve],
    ['is longer than content whose length nobody knows', longer, serveChunked],
    ['is much longer than content whose length nobody knows', muchLonger, serveChunked],
    ['ends otherwise', otherAtItsEnd, serve],
    ['ends otherwise than content whose length nobody knows', otherAtItsEnd, serveChunked],
    ['is of another URL', Buffer.from('<html>'), serve],
  ])('a file that %s stays as it is', async (_, begun, handler) => {
    const server = await serveForTest(handler)
    await writeFile(file(), begun)
    const { code, stderr } = await go(`${server.url}/a`)
    expect(stderr).toMatch(
      /^dfget: [^\n]* is not the beginning of this content: [^\n]+; --overwrite replaces it[^\n]+\n$/,
    )
    expect(code).toBe(23)
    expect(await readFile(file())).toEqual(begun)
    expect(await user.leftovers()).toEqual({ files: ['a'], cache: 0 })
  })

  test('a file that differs far before its end is found out by the digest, and stays as it is', async () => {
    const server = await serveForTest(serve)
    const begun = Buffer.from(CONTENT.subarray(0, MIB))
    begun[5] = 255 - (begun[5] ?? 0)
    await writeFile(file(), begun)
    const { code, stderr } = await go('--digest', digestOf(CONTENT), `${server.url}/a`)
    expect({ code, stderr }).toEqual({ code: 65, stderr: expect.stringContaining(`expected ${digestOf(CONTENT)}`) })
    expect(await readFile(file())).toEqual(begun)
    expect(await user.leftovers()).toEqual({ files: ['a'], cache: 0 })
  })

  test('a body that breaks off leaves the file as it is', async () => {
    const server = await serveForTest((request, response) => {
      if (request.method === 'HEAD') return serve(request, response)
      const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const range = `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}`
      response.writeHead(206, { 'content-length': CONTENT.length - from, 'content-range': range, etag: '"v1"' })
      return response.write(CONTENT.subarray(from, 2 * MIB), () => response.destroy())
    })
    await writeFile(file(), CONTENT.subarray(0, MIB))
    expect(await go(`${server.url}/a`)).toMatchObject({ code: 18, stderr: expect.stringMatching(/^dfget: [^\n]+\n$/) })
    expect(await readFile(file())).toEqual(CONTENT.subarray(0, MIB))
    expect(await user.leftovers()).toEqual({ files: ['a'], cache: 0 })
  })

  test('takes what is missing from the swarm', async () => {
    await using cluster = await startCluster()
    const supernode = await cluster.supernode()
    const blob = await seedBlob(cluster.registry, 3 * MIB)
    const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
    await writeFile(file(), blob.bytes.subarray(0, 2 * MIB))
    const { code, stdout } = await go('--supernode', supernode.url, '-O', 'a', url)
    expect(code).toBe(0)
    expect(await readFile(file())).toEqual(Buffer.from(blob.bytes))
    expect(lastJson(stdout)).toMatchObject({ digest: blob.digest, originBytes: 0 })
  })

  test('nothing but a file can be continued', async () => {
    await mkdir(file('directory'))
    await symlink('nowhere', file('link'))
    const server = await serveForTest(serve)
    for (const name of ['directory', 'link']) {
      const { code, stderr } = await go(`${server.url}/${name}`)
      expect(stderr).toMatch(/^dfget: [^\n]+ is (a directory; name a file|no file that could be continued)[^\n]+\n$/)
      expect(code).toBe(23)
    }
    expect(server.requests).toEqual([])
    expect(await user.leftovers()).toEqual({ files: ['directory', 'link'], cache: 0 })
  })
})
