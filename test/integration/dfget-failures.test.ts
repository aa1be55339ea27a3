import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { contentHandler, createDfgetUser, type DfgetUser, serveForTest } from '../helpers/dfget-user.ts'
import { patternBytes } from '../helpers/registry-mock.ts'

const TIMEOUT = { timeoutMs: 20_000 }
const CONTENT = patternBytes(3 * 1024 * 1024 + 17)

let user: DfgetUser
beforeEach(async () => {
  user = await createDfgetUser()
})
afterEach(() => user[Symbol.asyncDispose]())

describe('what goes wrong is said in one line', () => {
  test.each([
    [['foo'], 2, '"foo" is not an absolute http:// or https:// URL'],
    [['http://nowhere.invalid/a'], 1, /nowhere\.invalid: the host name .*; check the URL and the network/],
    [['http://127.0.0.1:1/a'], 1, '127.0.0.1:1: connection refused; check the URL and the network'],
    [['--digest', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'http://127.0.0.1:1/a'], 2, 'md5 can be forged'],
    [['-O', 'missing/a', 'http://127.0.0.1:1/a'], 1, 'the directory does not exist; make it, or choose another'],
    [['-O', '/sys/kernel/a', 'http://127.0.0.1:1/a'], 1, /choose another place with --output/],
    [['http://127.0.0.1:1/'], 2, 'name the file with --output'],
    [['--json', '-O', '-', 'http://127.0.0.1:1/a'], 2, '--json and --output - both want standard output'],
    [['--p2p-listen', 'here', 'http://127.0.0.1:1/a'], 2, 'p2p.listen'],
    [['--linger', 'long', 'http://127.0.0.1:1/a'], 2, 'linger from the command line: "long" is not a number'],
    [['--nonsense', 'http://127.0.0.1:1/a'], 2, "unknown option '--nonsense'; dfget --help lists the options"],
    [['http://127.0.0.1:1/a', 'http://127.0.0.1:1/b'], 2, 'too many arguments'],
    [[], 2, "missing required argument 'url'"],
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
    [404, 'it has no such file; check the URL'],
    [503, 'try again later'],
  ])('an answer of %d', async (status, text) => {
    const server = await serveForTest((_request, response) => void response.writeHead(status).end())
    const { code, stderr } = await user.run(`${server.url}/a`)
    expect(stderr).toMatch(/^dfget: 127\.0\.0\.1:\d+ answered [^\n]+\n$/)
    expect(stderr).toContain(`answered ${status}: `)
    expect(stderr).toContain(text)
    expect(code).toBe(1)
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })

  test('a wrong digest, and the file is not kept', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const wanted = digestOf(Buffer.from('other'))
    const { code, stderr } = await user.run('--digest', wanted, `${server.url}/a`)
    expect(stderr).toMatch(/^dfget: the content does not match its digest: [^\n]+\n$/)
    expect(stderr).toContain(`expected ${wanted}, got `)
    expect(code).toBe(1)
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })

  test('a file that exists, which stays as it is without --overwrite', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    await writeFile(join(user.home, 'a'), 'mine')
    const { code, stderr } = await user.run(`${server.url}/a`)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('exists; --overwrite replaces it') })
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
    expect(code).toBe(1)
  })
})
