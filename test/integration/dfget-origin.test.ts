import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { contentHandler, createDfgetUser, type DfgetUser, lastJson, serveForTest } from '../helpers/dfget-user.ts'
import type { TestHandler, TestHttpServer } from '../helpers/http-server.ts'
import { patternBytes } from '../helpers/registry-mock.ts'

const TIMEOUT = { timeoutMs: 20_000 }
const MIB = 1024 * 1024
const BLOCK_BYTES = 256 * 1024
const CONTENT = patternBytes(3 * MIB + 17)
const CHANGED = CONTENT.map(byte => byte ^ 0xff)

let user: DfgetUser
beforeEach(async () => {
  user = await createDfgetUser()
})
afterEach(() => user[Symbol.asyncDispose]())

const serve = contentHandler(CONTENT)
const file = (name = 'a') => readFile(join(user.home, name))
const rangesOf = ({ requests }: TestHttpServer) => requests.map(({ headers }) => headers.range)

/** Sends content up to a byte and breaks off there. */
function breakingAt(endBytes: number): TestHandler {
  return (request, response) => {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = { 'content-range': `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` }
    const headers = { 'content-length': CONTENT.length - from, etag: '"one"', ...(from > 0 ? range : {}) }
    response.writeHead(from > 0 ? 206 : 200, headers).flushHeaders()
    response.write(CONTENT.subarray(from, Math.max(from, endBytes)), () => response.socket?.end())
  }
}

describe('--retry', () => {
  test('tries again what may pass, and says so', async () => {
    // One hiccup is passed over in silence.
    const server = await serveForTest((request, response) =>
      server.requests.length <= 4 ? response.writeHead(503).end() : serve(request, response),
    )
    const { code, stderr } = await user.run('--retry', '2', `${server.url}/a`)
    expect(code).toBe(0)
    const again = (pause: string) =>
      expect.stringMatching(`^dfget: http.*/a: .* answered 503: .*; trying again in ${pause}`)
    expect(stderr.trim().split('\n')).toEqual([again('1'), again('2'), expect.stringMatching(/^a: 3\.0 MiB in/)])
    expect(await file()).toEqual(Buffer.from(CONTENT))
    expect(await user.leftovers()).toEqual({ files: ['a'], cache: 0 })
  })

  test('waits as long as the origin wants, unless it is interrupted', async () => {
    const server = await serveForTest((_request, response) => response.writeHead(429, { 'retry-after': '90' }).end())
    await using child = await user.start('--json', '--quiet', '--retry', '5', `${server.url}/a`)
    const line = await child.waitForLine('stdout', text => text.includes('"retry"'), TIMEOUT)
    expect(JSON.parse(line)).toMatchObject({ event: 'retry', pauseMs: 90_000 })
    child.signal('SIGINT')
    expect((await child.exited).code).toBe(130)
    expect(server.requests).toHaveLength(1)
  })

  test('is for nothing that will not pass', async () => {
    const server = await serveForTest((_request, response) => response.writeHead(404).end())
    expect((await user.run('--retry', '5', `${server.url}/a`)).code).toBe(22)
    expect(server.requests).toHaveLength(1)
  })

  test('goes on behind what is stored', async () => {
    const half = 6 * BLOCK_BYTES
    let broken = true
    const server = await serveForTest((request, response) => (broken ? breakingAt(half) : serve)(request, response))
    await using child = await user.start('--retry', '1', '--digest', digestOf(CONTENT), `${server.url}/a`)
    await child.waitForLine('stderr', line => / closed early .*; trying again in 1/.test(line), TIMEOUT)
    broken = false
    expect((await child.exited).code).toBe(0)
    expect(await file()).toEqual(Buffer.from(CONTENT))
    const last = Number(/^bytes=(\d+)-$/.exec(rangesOf(server).at(-1) ?? '')?.[1])
    expect(last).toBeGreaterThan(0)
    expect(last % BLOCK_BYTES).toBe(0)
  })

  test('does not begin anew what is out on standard output', async () => {
    const server = await serveForTest(breakingAt(MIB))
    await using shell = await user.shell(
      '{ dfget --retry 3 -O - "$1"; echo "code $?" >&2; } | wc -c',
      `${server.url}/a`,
    )
    await shell.exited
    expect(shell.stderr.lines()).toEqual([expect.stringMatching(/^dfget: .*closed early/), 'code 18'])
    expect(Number(shell.stdout.text())).toBeLessThanOrEqual(MIB)
  })
})

test('a body that breaks off once is read on where it was, in silence', async () => {
  const server = await serveForTest((request, response) =>
    (server.requests.length === 1 ? breakingAt(MIB) : serve)(request, response),
  )
  const { code, stderr } = await user.run(`${server.url}/a`)
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^a: [^\n]*\n$/) })
  const [whole, rest, ...more] = rangesOf(server)
  expect([whole, ...more]).toEqual([undefined])
  // What had come and was not read yet is asked for again; how much that is depends on the machine.
  const position = Number(/^bytes=(\d+)-$/.exec(rest ?? '')?.[1])
  expect(position).toBeLessThanOrEqual(MIB)
  expect(position).toBeGreaterThan(0)
  expect(server.requests[1]?.headers['if-range']).toBe('"one"')
  expect(await file()).toEqual(Buffer.from(CONTENT))
})

describe('content that changes', () => {
  test('in the middle is not mixed, and another try has the new one', async () => {
    const changing = (): TestHandler => {
      let requests = 0
      return (request, response) => (requests++ === 0 ? breakingAt(MIB)(request, response) : changed(request, response))
    }
    const changed = contentHandler(CHANGED, { etag: '"two"' })
    const ignoring: TestHandler = (request, response) => {
      // As a server does whose content is not what If-Range names.
      delete request.headers.range
      return changed(request, response)
    }
    for (const second of [changed, ignoring]) {
      let requests = 0
      const server = await serveForTest((request, response) =>
        (requests++ === 0 ? breakingAt(MIB) : second)(request, response),
      )
      const { code, stderr } = await user.run(`${server.url}/a`)
      expect(stderr).toMatch(/^dfget: [^\n]* with other content than before[^\n]*\n$/)
      expect(code).toBe(18)
      expect((await user.leftovers()).files).toEqual([])
    }
    const server = await serveForTest(changing())
    expect((await user.run('--retry', '1', `${server.url}/a`)).code).toBe(0)
    expect(await file()).toEqual(Buffer.from(CHANGED))
  })

  test('between two runs is not mixed', async () => {
    const half = 6 * BLOCK_BYTES
    let content: TestHandler = (_request, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length, etag: '"one"' })
      response.write(CONTENT.subarray(0, half))
    }
    const server = await serveForTest((request, response) => content(request, response))
    await using child = await user.start(`${server.url}/a`)
    await child.waitUntil(async () => (await storedBytes()) === half, { ...TIMEOUT, what: 'half of it' })
    child.signal('SIGINT')
    expect((await child.exited).code).toBe(130)
    content = contentHandler(CHANGED, { etag: '"two"' })
    const { code, stdout } = await user.run('--json', '--quiet', `${server.url}/a`)
    expect(code).toBe(0)
    expect(lastJson(stdout)).toMatchObject({ digest: digestOf(CHANGED), originBytes: CHANGED.length, diskBytes: 0 })
    expect(await file()).toEqual(Buffer.from(CHANGED))
    expect(await user.leftovers()).toEqual({ files: ['a'], cache: 0 })
  })

  async function storedBytes(): Promise<number> {
    const files = await readdir(join(user.elsewhere, 'cache'), { recursive: true, withFileTypes: true }).catch(() => [])
    const stored = files.find(({ parentPath, name }) => basename(parentPath) === 'blocks' && !name.endsWith('.part'))
    return stored === undefined ? 0 : (await stat(join(stored.parentPath, stored.name))).size
  }
})

describe('answers that are not what they say', () => {
  /** Sends the same bytes whatever is asked. */
  async function serveRaw(answer: string): Promise<string> {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(answer))
    })
    onTestFinished(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const chunked = (body: string) => `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`
  test.each([
    ['a body that is shorter', [], 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345'],
    [
      'a part that is longer',
      ['--continue'],
      `HTTP/1.1 206 OK\r\nContent-Range: bytes 0-4/5\r\n${chunked('1234567890')}0\r\n\r\n`,
    ],
    ['a body whose last chunk does not come', [], `HTTP/1.1 200 OK\r\n${chunked('12345')}`],
    ['what is not HTTP', [], 'SSH-2.0-OpenSSH\r\n'],
    [
      'an encoding that was not asked for',
      [],
      'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n1',
    ],
    [
      'a part of content that was wanted whole',
      [],
      'HTTP/1.1 206 OK\r\nContent-Range: bytes 0-4/9\r\nContent-Length: 5\r\n\r\n12345',
    ],
    ['a length that is none', [], 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\n1'],
  ])('%s', async (_, flags, answer) => {
    const url = await serveRaw(answer)
    const { code, stderr } = await user.run(...flags, `${url}/a`)
    expect(stderr).toMatch(/^dfget: [^\n]+\n$/)
    expect([7, 18]).toContain(code)
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })

  test('of a body that is longer nothing is taken that was not announced', async () => {
    const url = await serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n1234567890')
    const { code } = await user.run('--quiet', `${url}/a`)
    if (code === 0) expect((await file()).toString()).toBe('12345')
    else expect({ code, ...(await user.leftovers()) }).toEqual({ code: 18, files: [], cache: 0 })
  })

  test.each([
    [408, 22],
    [416, 33],
    [418, 22],
    [502, 22],
  ])('an answer of %d', async (status, expected) => {
    const server = await serveForTest((_request, response) => response.writeHead(status).end())
    const { code, stderr } = await user.run(`${server.url}/a`)
    expect(stderr).toMatch(new RegExp(`^dfget: [^\\n]* answered ${status}[^\\n]*\\n$`))
    expect(code).toBe(expected)
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })

  test('a body that stalls ends after the time that was given', async () => {
    const server = await serveForTest(
      (_request, response) => void response.writeHead(200, { 'content-length': CONTENT.length }).write('1234'),
    )
    const { code, stderr } = await user.run('--timeout', '0.5', `${server.url}/a`)
    expect({ code, stderr }).toEqual({
      code: 28,
      stderr: expect.stringMatching(/^dfget: [^\n]*nothing sent in time[^\n]*\n$/),
    })
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })
})

describe('limits', () => {
  test('of one file and of all', async () => {
    const server = await serveForTest(serve)
    // So much may come at once after a silence; what the clock counts is at least the rest.
    const leastMs = 1_000
    for (const args of [
      ['--limit-rate', String(MIB), `${server.url}/a`],
      ['--total-limit', String(3 * MIB), `${server.url}/b`, `${server.url}/c`],
    ]) {
      const { code, stdout } = await user.run('--json', '--quiet', ...args)
      expect(code).toBe(0)
      expect(lastJson(stdout).durationMs).toBeGreaterThan(leastMs)
    }
    for (const name of ['a', 'b', 'c']) expect(await file(name)).toEqual(Buffer.from(CONTENT))
  })
})

describe('what cannot be written', () => {
  test('a full disk behind standard output', async () => {
    const server = await serveForTest(serve)
    await using shell = await user.shell('dfget -O - "$1" > /dev/full; echo "code $?" >&2', `${server.url}/a`)
    await shell.exited
    expect(shell.stderr.lines()).toEqual([expect.stringMatching(/^dfget: .*standard output: .*ENOSPC/), 'code 23'])
  })

  test('a file that grows too large for where it is, and the file before stays', async () => {
    const server = await serveForTest(serve)
    await writeFile(join(user.home, 'a'), 'mine')
    // In units of 512 bytes. The store cannot take it all either, and keeps what it has.
    const line = 'ulimit -f 2048; dfget --overwrite "$1"; echo "code $?" >&2'
    await using shell = await user.shell(line, `${server.url}/a`)
    await shell.exited
    const said = /^dfget: .*cannot hold a file of this size; .*--output; .* are kept in .*, the same command resumes$/
    expect(shell.stderr.lines()).toEqual([expect.stringMatching(said), 'code 23'])
    expect((await file()).toString()).toBe('mine')
    expect(await user.leftovers()).toEqual({ files: ['a'], cache: 1 })
    expect((await user.run('--quiet', '--overwrite', `${server.url}/a`)).code).toBe(0)
    expect(await file()).toEqual(Buffer.from(CONTENT))
    expect(await user.leftovers()).toEqual({ files: ['a'], cache: 0 })
  })

  test('a directory in the place of the file', async () => {
    await mkdir(join(user.home, 'a'))
    const { code, stderr } = await user.run('--overwrite', 'http://127.0.0.1:1/a')
    expect({ code, stderr }).toEqual({
      code: 23,
      stderr: expect.stringMatching(/^dfget: [^\n]*\/a is a directory; [^\n]*\n$/),
    })
  })
})
