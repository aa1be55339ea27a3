import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { contentHandler, createDfgetUser, type DfgetUser, serveForTest } from '../helpers/dfget-user.ts'
import { patternBytes } from '../helpers/registry-mock.ts'
import { createSelfSigned } from '../helpers/self-signed.ts'

const TIMEOUT = { timeoutMs: 20_000 }
const CONTENT = patternBytes(3 * 1024 * 1024 + 17)

let user: DfgetUser
beforeEach(async () => {
  user = await createDfgetUser()
})
afterEach(() => user[Symbol.asyncDispose]())

describe('what goes wrong is said in one line', () => {
  test.each([
    [['foo'], 2, '"foo" is not an absolute http, https, s3, oci or file URL'],
    [['http://nowhere.invalid/a'], 6, /nowhere\.invalid: the host name .*; check the URL and the network/],
    [['http://127.0.0.1:1/a'], 7, '127.0.0.1:1: connection refused; check the URL and the network'],
    [['--digest', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'http://127.0.0.1:1/a'], 2, 'md5 can be forged'],
    [['-O', 'missing/a', 'http://127.0.0.1:1/a'], 23, 'the directory does not exist; make it, or choose another'],
    [['-O', '/sys/kernel/a', 'http://127.0.0.1:1/a'], 23, /choose another place with --output/],
    [['http://127.0.0.1:1/'], 2, 'name the file with --output'],
    [['--json', '-O', '-', 'http://127.0.0.1:1/a'], 2, '--json and --output - both want standard output'],
    [['--p2p-listen', 'here', 'http://127.0.0.1:1/a'], 2, 'p2p.listen'],
    [['--linger', 'long', 'http://127.0.0.1:1/a'], 2, 'linger from the command line: "long" is not a number'],
    [['--nonsense', 'http://127.0.0.1:1/a'], 2, "unknown option '--nonsense'; dfget --help lists the options"],
    [['http://127.0.0.1:1/a', 'http://127.0.0.1:2/a'], 2, '127.0.0.1:2/a would both be written to a'],
    [['http://127.0.0.1:1/a', 'http://127.0.0.1:1/'], 2, '127.0.0.1:1/ ends in no file name; download it alone'],
    [['--digest', `sha256:${'0'.repeat(64)}`, 'http://h/a', 'http://h/b'], 2, '--digest is that of one file'],
    [['--overwrite', '--skip-existing', 'http://127.0.0.1:1/a'], 2, 'contradict each other'],
    [['-i', 'missing'], 2, '--input-file missing cannot be read'],
    [[], 2, 'name a URL to download'],
  ])('%j', async (args, expectedCode, text) => {
    const { code, stdout, stderr } = await user.run(...args)
    expect(stderr).toMatch(/^dfget: [^\n]+\n$/)
    if (typeof text === 'string') expect(stderr).toContain(text)
    else expect(stderr).toMatch(text)
    expect({ code, stdout }).toEqual({ code: expectedCode, stdout: '' })
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })

  test.each([
    [401, 'it wants credentials'],
    [403, 'it does not let you read this'],
    [404, 'it has no such file; check the URL'],
    [410, 'the file is gone'],
    [429, 'it has had too many requests; try again later'],
    [500, 'try again later'],
    [503, 'try again later'],
  ])('an answer of %d', async (status, text) => {
    const server = await serveForTest((_request, response) => void response.writeHead(status).end())
    const { code, stderr } = await user.run(`${server.url}/a`)
    expect(stderr).toMatch(/^dfget: 127\.0\.0\.1:\d+ answered [^\n]+\n$/)
    expect(stderr).toContain(`answered ${status}: `)
    expect(stderr).toContain(text)
    expect(code).toBe(22)
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })

  test('a server that always breaks off, and what came is kept', async () => {
    const half = 2 * 1024 * 1024
    const server = await serveForTest((request, response) => {
      const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const range = { 'content-range': `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` }
      const headers = { 'content-length': CONTENT.length - from, etag: '"one"', ...(from > 0 ? range : {}) }
      response.writeHead(from > 0 ? 206 : 200, headers).flushHeaders()
      response.write(CONTENT.subarray(from, half), () => setTimeout(() => response.destroy(), 200))
    })
    const { code, stderr } = await user.run(`${server.url}/a`)
    // Not from the beginning again: that would bring nothing new.
    expect(server.requests.filter(({ headers }) => headers.range === undefined)).toHaveLength(1)
    expect(stderr).toMatch(/^dfget: [^\n]*verified blocks are kept in [^\n]*, the same command resumes\n$/)
    expect(code).toBe(18)
    expect(await user.leftovers()).toEqual({ files: [], cache: 1 })
  })

  test('a certificate that nobody has vouched for', async () => {
    const server = createServer(createSelfSigned(), (_request, response) => void response.end('secret'))
    onTestFinished(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { code, stderr } = await user.run(`https://127.0.0.1:${(server.address() as AddressInfo).port}/a`)
    expect(stderr).toMatch(/^dfget: [^\n]+SELF_SIGNED_CERT; --cacert names a file [^\n]*\n$/)
    expect(code).toBe(60)
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })

  test('an origin that is silent for too long', async () => {
    const server = await serveForTest(() => {})
    const startedAt = performance.now()
    const { code, stderr } = await user.run('--timeout', '0.5', `${server.url}/a`)
    expect(stderr).toMatch(/^dfget: [^\n]+no response in time[^\n]*\n$/)
    expect(code).toBe(28)
    expect(performance.now() - startedAt).toBeLessThan(20_000)
  })

  test('a wrong digest, and the file is not kept', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const wanted = digestOf(Buffer.from('other'))
    const { code, stderr } = await user.run('--digest', wanted, `${server.url}/a`)
    expect(stderr).toMatch(/^dfget: the content does not match its digest: [^\n]+\n$/)
    expect(stderr).toContain(`expected ${wanted}, got `)
    expect(code).toBe(65)
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })

  test('a file that exists, which stays as it is without --overwrite', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    await writeFile(join(user.home, 'a'), 'mine')
    const { code, stderr } = await user.run(`${server.url}/a`)
    expect({ code, stderr }).toEqual({ code: 23, stderr: expect.stringContaining('exists; --overwrite replaces it') })
    expect(await readFile(join(user.home, 'a'), 'utf8')).toBe('mine')
    expect(server.requests).toEqual([])
    expect((await user.run('--overwrite', `${server.url}/a`)).code).toBe(0)
    expect(await readFile(join(user.home, 'a'))).toEqual(Buffer.from(CONTENT))
  })

  test('a data directory that another process uses', async () => {
    const server = await serveForTest(
      (_request, response) => void response.writeHead(200, { 'content-length': 10 }).flushHeaders(),
    )
    await using child = await user.start('--data-dir', 'data', `${server.url}/a`)
    await child.waitUntil(() => server.requests.length === 1, { ...TIMEOUT, what: 'the request' })
    const { code, stderr } = await user.run('--data-dir', 'data', `${server.url}/b`)
    expect(stderr).toMatch(/^dfget: [^\n]*another process uses this data directory[^\n]*\n$/)
    expect(code).toBe(23)
  })
})
