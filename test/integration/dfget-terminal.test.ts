import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster } from '../helpers/cluster.ts'
import { contentHandler, createDfgetUser, type DfgetUser, lastJson, serveForTest } from '../helpers/dfget-user.ts'
import type { TestHandler } from '../helpers/http-server.ts'
import type { ChildProcess } from '../helpers/process.ts'
import { patternBytes } from '../helpers/registry-mock.ts'
import { waitFor } from '../helpers/wait.ts'

const TIMEOUT = { timeoutMs: 20_000 }
const MIB = 1024 * 1024
const BLOCK_BYTES = 256 * 1024
const CONTENT = patternBytes(3 * MIB + 17)
const ERASE = '\r\x1b[2K'

let user: DfgetUser
beforeEach(async () => {
  user = await createDfgetUser()
})
afterEach(() => user[Symbol.asyncDispose]())

/** What a terminal shows after all this: of each line what was written since it was last taken off. Empty ones are left out. */
function screenOf(text: string): string[] {
  const lines = text.split('\r\n').map(line => line.split(ERASE).at(-1) ?? '')
  return lines.filter(line => line !== '')
}

/** All that the running line has shown. */
function drawnLines(text: string): string[] {
  return text
    .split(ERASE)
    .slice(1)
    .filter(line => line !== '' && !line.includes('\n'))
}

/** Sends content in pieces, one each time the terminal has been drawn anew. */
function drawnHandler(terminal: () => ChildProcess | undefined): TestHandler {
  return async (_request, response) => {
    response.writeHead(200, { 'content-length': CONTENT.length, etag: '"one"' })
    const drawn = () => drawnLines(terminal()?.stdout.text() ?? '').length
    for (let sent = 0; sent < CONTENT.length; sent += BLOCK_BYTES) {
      const before = drawn()
      response.write(CONTENT.subarray(sent, sent + BLOCK_BYTES))
      if (sent < 6 * BLOCK_BYTES) await waitFor(() => drawn() > before, { ...TIMEOUT, what: 'the line drawn anew' })
    }
    response.end()
  }
}

/** How much of a download is in the cache. Blocks arrive in order. */
async function storedBytes(): Promise<number> {
  const cache = join(user.elsewhere, 'cache')
  const files = await readdir(cache, { recursive: true, withFileTypes: true }).catch(() => [])
  const stored = files.find(({ parentPath, name }) => basename(parentPath) === 'blocks' && !name.endsWith('.part'))
  return stored === undefined ? 0 : (await stat(join(stored.parentPath, stored.name))).size
}

describe('in a terminal', () => {
  test.each([
    [100, /^disk\.img \s*\d+% {1,2}\[#*-*\] {2}[\d.]+ \w+ of 3\.0 MiB {2}[\d.]+ \w+\/s {2}ETA .+ {2}peers 0 %$/],
    [40, /^ *\d+% {1,2}[\d.]+ \w+ of 3\.0 MiB/],
  ])('of %d columns the line is drawn over, and only the summary stays', async (columns, form) => {
    let running: ChildProcess | undefined
    const server = await serveForTest(drawnHandler(() => running))
    await using terminal = await user.terminal({ columns }, `${server.url}/disk.img`)
    running = terminal
    expect(await terminal.exited).toEqual({ code: 0, signal: null })
    const text = terminal.stdout.text()
    const drawn = drawnLines(text)
    expect(drawn.length).toBeGreaterThan(5)
    // The last column stays free, so that no terminal wraps.
    expect(Math.max(...drawn.map(line => line.length))).toBeLessThan(columns)
    expect(drawn.some(line => form.test(line)) ? '' : drawn.join('\n')).toBe('')
    expect(screenOf(text)).toEqual([expect.stringMatching(/^disk\.img: 3\.0 MiB in .*; 100 % from the origin$/)])
    expect(await readFile(join(user.home, 'disk.img'))).toEqual(Buffer.from(CONTENT))
  })

  test('what comes from other peers is shown', async () => {
    await using cluster = await startCluster()
    const supernode = await cluster.supernode()
    const blob = await seedBlob(cluster.registry, 3 * MIB)
    const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
    const swarm = ['--supernode', supernode.url, url]
    await using first = await user.start('--json', '-O', 'first', '--linger', '60', ...swarm)
    await first.waitForLine('stdout', text => text.startsWith('{"event":"done"'), TIMEOUT)
    const slowly = ['--limit-rate', String(2 * MIB), '-O', 'second']
    await using terminal = await user.terminal({ columns: 120 }, ...slowly, ...swarm)
    expect((await terminal.exited).code).toBe(0)
    const shares = drawnLines(terminal.stdout.text()).map(line => Number(/peers (\d+)/.exec(line)?.[1] ?? 0))
    expect(Math.max(...shares)).toBeGreaterThan(0)
    expect(screenOf(terminal.stdout.text())).toEqual([expect.stringMatching(/^second: 3\.0 MiB .* % from peers/)])
    expect(digestOf(await readFile(join(user.home, 'second')))).toBe(blob.digest)
  })

  test('Ctrl-C ends it, says how to go on, and the same command goes on', async () => {
    const halfBytes = 6 * BLOCK_BYTES
    let stalling = true
    const server = await serveForTest((request, response) => {
      if (!stalling) return contentHandler(CONTENT)(request, response)
      response.writeHead(200, { 'content-length': CONTENT.length, etag: '"one"' }).write(CONTENT.subarray(0, halfBytes))
    })
    const command = ['--digest', digestOf(CONTENT), `${server.url}/disk.img`]
    await using terminal = await user.terminal({ columns: 100 }, ...command)
    const half = async () => (await storedBytes()) === halfBytes && drawnLines(terminal.stdout.text()).length > 0
    await terminal.waitUntil(half, { ...TIMEOUT, what: 'half of it, and the line' })
    terminal.type('\x03')
    expect(await terminal.exited).toEqual({ code: 130, signal: null })
    expect(screenOf(terminal.stdout.text())).toEqual([
      expect.stringMatching(
        /^dfget: interrupted; 1\.\d MiB of verified blocks are kept in .*, the same command resumes$/,
      ),
    ])
    expect(await user.leftovers()).toEqual({ files: [], cache: 1 })

    stalling = false
    await using again = await user.terminal({ columns: 100 }, ...command)
    expect((await again.exited).code).toBe(0)
    expect(await readFile(join(user.home, 'disk.img'))).toEqual(Buffer.from(CONTENT))
    const [, ...resumed] = server.requests.map(({ headers }) => headers.range)
    // The newest block may have been on its way to the disk.
    expect([`bytes=${halfBytes}-`, `bytes=${halfBytes - BLOCK_BYTES}-`]).toContain(resumed[0])
    expect(resumed).toHaveLength(1)
    expect(await user.leftovers()).toEqual({ files: ['disk.img'], cache: 0 })
  })

  test('--quiet draws nothing, and a failure leaves its one line', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    await using quiet = await user.terminal({ columns: 80 }, '--quiet', `${server.url}/a`)
    await quiet.exited
    expect(quiet.stdout.text()).toBe('')
    let running: ChildProcess | undefined
    const broken = await serveForTest(async (_request, response) => {
      await waitFor(() => drawnLines(running?.stdout.text() ?? '').length > 1, { ...TIMEOUT, what: 'the line' })
      response.writeHead(404).end()
    })
    await using failing = await user.terminal({ columns: 80 }, `${broken.url}/b`)
    running = failing
    expect((await failing.exited).code).toBe(22)
    expect(screenOf(failing.stdout.text())).toEqual([expect.stringMatching(/^dfget: 127.* answered 404: .*$/)])
  })
})

describe('in a pipe', () => {
  test('there is one plain line for each file, and nothing with --quiet', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const { stdout, stderr } = await user.run(`${server.url}/a`)
    expect({ stdout, stderr }).toEqual({
      stdout: '',
      stderr: expect.stringMatching(/^a: 3\.0 MiB in [\x20-\x7e]*; 100 % from the origin\n$/),
    })
    expect(await user.run('--quiet', `${server.url}/b`)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('content comes out in order while it arrives', async () => {
    const text = Buffer.from('0123456789abcdef'.repeat(48 * 1024))
    const gate = Promise.withResolvers<void>()
    const server = await serveForTest(async (_request, response) => {
      response.writeHead(200, { 'content-length': text.length, etag: '"one"' }).write(text.subarray(0, BLOCK_BYTES))
      await gate.promise
      response.end(text.subarray(BLOCK_BYTES))
    })
    await using child = await user.start('-O', '-', `${server.url}/a`)
    await child.waitUntil(() => child.stdout.text().length === BLOCK_BYTES, { ...TIMEOUT, what: 'the first block' })
    gate.resolve()
    expect((await child.exited).code).toBe(0)
    expect(child.stdout.text()).toBe(text.toString())
    expect(child.stderr.text()).toMatch(/^standard output: 768\.0 KiB in /)
  })
})

describe('--json', () => {
  const eventsOf = (stdout: string) => {
    const lines = stdout.split('\n')
    expect(lines.pop()).toBe('')
    return lines.map(line => JSON.parse(line) as { event: string; url: string } & Record<string, unknown>)
  }

  test('tells of a download from its begin to its end, with progress once a second', async () => {
    const gate = Promise.withResolvers<void>()
    const server = await serveForTest(async (_request, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length, etag: '"one"' }).write(CONTENT.subarray(0, MIB))
      await gate.promise
      response.end(CONTENT.subarray(MIB))
    })
    const url = `${server.url}/a`
    await using child = await user.start('--json', url)
    const progressed = () => child.stdout.lines().filter(line => line.includes('"doneBytes":1048576')).length > 1
    await child.waitUntil(progressed, { ...TIMEOUT, what: 'two lines of progress' })
    gate.resolve()
    expect((await child.exited).code).toBe(0)
    const events = eventsOf(child.stdout.text())
    const [begin, ...progress] = events
    const done = progress.pop()
    const output = join(user.home, 'a')
    expect(begin).toEqual({ event: 'begin', url, output })
    expect(progress.every(({ event }) => event === 'progress')).toBe(true)
    expect(progress.at(-1)).toEqual({
      event: 'progress',
      url,
      doneBytes: expect.any(Number),
      sizeBytes: CONTENT.length,
      peerBytes: 0,
      supernodeBytes: 0,
      originBytes: expect.any(Number),
      diskBytes: 0,
    })
    expect(done).toMatchObject({ event: 'done', url, output, sizeBytes: CONTENT.length, digest: digestOf(CONTENT) })
  })

  test('tells of what could not begin, and of what was interrupted', async () => {
    const server = await serveForTest((_request, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length, etag: '"one"' }).write(CONTENT.subarray(0, 100))
    })
    await writeFile(join(user.home, 'there'), '')
    const refused = await user.run('--json', `${server.url}/there`)
    expect(lastJson(refused.stdout)).toMatchObject({ event: 'failed', code: 'OUTPUT_FAILED', exitCode: 23 })
    await using child = await user.start('--json', `${server.url}/a`)
    await child.waitForLine('stdout', line => line.includes('"begin"'), TIMEOUT)
    child.signal('SIGINT')
    expect((await child.exited).code).toBe(130)
    expect(lastJson(child.stdout.text())).toMatchObject({ event: 'failed', exitCode: 130, message: 'interrupted' })
  })

  test('tells of tries, of failures and of what is left out', async () => {
    const server = await serveForTest((request, response) => {
      if (request.url === '/missing') return response.writeHead(404).end()
      // One hiccup is passed over in silence.
      if (server.requests.length <= 2) return response.writeHead(503).end()
      return contentHandler(CONTENT)(request, response)
    })
    const [one, missing] = [`${server.url}/one`, `${server.url}/missing`]
    const first = await user.run('--json', '--quiet', '--retry', '1', '-j', '1', one, missing)
    expect(first.code).toBe(22)
    expect(eventsOf(first.stdout).filter(({ event }) => event !== 'progress')).toEqual([
      { event: 'begin', url: one, output: join(user.home, 'one') },
      { event: 'retry', url: one, message: expect.stringContaining('answered 503'), pauseMs: 1000 },
      { event: 'begin', url: one, output: join(user.home, 'one') },
      expect.objectContaining({ event: 'done', url: one }),
      { event: 'begin', url: missing, output: join(user.home, 'missing') },
      { event: 'failed', url: missing, code: 'BLOB_UNKNOWN', exitCode: 22, message: expect.stringContaining('404') },
    ])
    const second = await user.run('--json', '--skip-existing', one)
    expect(eventsOf(second.stdout)).toEqual([{ event: 'skipped', url: one }])
  })
})
