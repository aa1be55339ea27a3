import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { Value } from 'typebox/value'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../lib/logger.ts'
import { digestOf } from '../../protocol/digest.ts'
import { SupernodeConfig } from '../../supernode/config.ts'
import { createSupernode } from '../../supernode/create-supernode.ts'
import { contentHandler, createDfgetUser, type DfgetUser, lastJson, serveForTest } from '../helpers/dfget-user.ts'
import type { ChildProcess } from '../helpers/process.ts'
import { patternBytes, pushBlob, startRegistryMock } from '../helpers/registry-mock.ts'
import { createSelfSigned } from '../helpers/self-signed.ts'

const TIMEOUT = { timeoutMs: 20_000 }
const CONTENT = patternBytes(3 * 1024 * 1024 + 17)

let user: DfgetUser
beforeEach(async () => {
  user = await createDfgetUser()
})
afterEach(() => user[Symbol.asyncDispose]())

describe('a download from an HTTP server', () => {
  test('has the name of the URL, is said in JSON, and leaves nothing else', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const { code, stdout, stderr } = await user.run(
      '--json',
      '-H',
      'X-One: 1, 2',
      '-H',
      'X-Two: 3',
      `${server.url}/a/disk.img?x=1`,
    )
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^disk\.img: 3\.0 MiB in .*; 100 % from the origin\n$/),
    })
    expect(await readFile(join(user.home, 'disk.img'))).toEqual(Buffer.from(CONTENT))
    expect(lastJson(stdout)).toEqual({
      event: 'done',
      url: `${server.url}/a/disk.img?x=1`,
      output: join(user.home, 'disk.img'),
      sizeBytes: CONTENT.length,
      digest: digestOf(CONTENT),
      durationMs: expect.any(Number),
      peerBytes: 0,
      supernodeBytes: 0,
      originBytes: CONTENT.length,
      diskBytes: 0,
    })
    expect(stdout.trimEnd().split('\n')).toHaveLength(2)
    expect(await user.leftovers()).toEqual({ files: ['disk.img'], cache: 0 })
    expect(server.requests).toEqual([expect.objectContaining({ path: '/a/disk.img?x=1' })])
    expect(server.requests[0]?.headers).toMatchObject({ 'x-one': '1, 2', 'x-two': '3' })
  })

  test('can be empty, or of a size that the server does not tell', async () => {
    const empty = await serveForTest(contentHandler(new Uint8Array()))
    expect(await user.run('--quiet', `${empty.url}/empty`)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await readFile(join(user.home, 'empty'))).toHaveLength(0)
    const chunked = await serveForTest((_request, response) => void response.writeHead(200).end(CONTENT))
    expect((await user.run(`${chunked.url}/chunked`)).code).toBe(0)
    expect(await readFile(join(user.home, 'chunked'))).toEqual(Buffer.from(CONTENT))
  })

  test('goes through a pipe in order', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const line = 'dfget -O - "$1" | sha256sum'
    await using shell = await user.shell(line, `${server.url}/a`)
    expect((await shell.exited).code).toBe(0)
    expect(shell.stdout.text()).toBe(`${createHash('sha256').update(CONTENT).digest('hex')}  -\n`)
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })

  test('into a pipe that is closed early ends with one line', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const line = '{ dfget -O - "$1"; echo "code $?" >&2; } | head -c 10'
    await using shell = await user.shell(line, `${server.url}/a`)
    await shell.exited
    expect(shell.stderr.lines()).toEqual([
      expect.stringMatching(/^dfget: the output cannot be written: standard output: its reader has closed it/),
      'code 23',
    ])
  })

  test('reads its settings from the environment and a file too', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const file = join(user.elsewhere, 'dfget.yaml')
    await writeFile(file, `output: from-file\nheader: ['x-one: from file']\nquiet: true\n`)
    expect(await user.run('--config', file, `${server.url}/a`)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await user.leftovers()).files).toEqual(['from-file'])
    expect(server.requests[0]?.headers['x-one']).toBe('from file')
  })

  test('of a directory that is kept comes from the disk the second time', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const args = ['--json', '--quiet', '--data-dir', 'data', '--digest', digestOf(CONTENT), `${server.url}/a`]
    expect((await user.run('-O', 'first', ...args)).code).toBe(0)
    const { stdout } = await user.run('-O', 'second', ...args)
    expect(lastJson(stdout)).toMatchObject({ originBytes: 0, diskBytes: CONTENT.length })
    expect(await readFile(join(user.home, 'second'))).toEqual(Buffer.from(CONTENT))
    expect(server.requests).toHaveLength(1)
  })

  test('shares its bytes with the directory that is kept only where the user says so', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const args = ['--quiet', '--data-dir', 'data', '--digest', digestOf(CONTENT), `${server.url}/a`]
    expect((await user.run('-O', 'own', ...args)).code).toBe(0)
    expect((await user.run('-O', 'shared', '--hard-link', ...args)).code).toBe(0)
    const [stored = ''] = await readdir(join(user.home, 'data', 'blocks'))
    const inodeOf = async (path: string) => (await stat(join(user.home, path))).ino
    expect(await inodeOf('shared')).toBe(await inodeOf(`data/blocks/${stored}`))
    expect(await inodeOf('own')).not.toBe(await inodeOf('shared'))
    for (const name of ['own', 'shared']) expect(await readFile(join(user.home, name))).toEqual(Buffer.from(CONTENT))
    expect((await stat(join(user.home, 'shared'))).mode).toBe((await stat(join(user.home, 'own'))).mode)
  })

  test('of which a block was changed on the disk is fetched again before it is shared', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const args = ['--quiet', '--data-dir', 'data', '--digest', digestOf(CONTENT), `${server.url}/a`]
    expect((await user.run('-O', 'first', ...args)).code).toBe(0)
    const [stored = ''] = await readdir(join(user.home, 'data', 'blocks'))
    await writeFile(join(user.home, 'data', 'blocks', stored), 'wrong', { flag: 'r+' })
    expect((await user.run('-O', 'second', '--hard-link', ...args)).code).toBe(0)
    expect(await readFile(join(user.home, 'second'))).toEqual(Buffer.from(CONTENT))
  })

  test('that has changed under a server without validators is not mixed up with what is stored', async () => {
    const changed = CONTENT.map(byte => byte ^ 0xff)
    const server = await serveForTest((request, response) =>
      contentHandler(server.requests.length === 1 ? CONTENT : changed, {})(request, response),
    )
    const args = ['--quiet', '--overwrite', '--data-dir', 'data', `${server.url}/a`]
    expect((await user.run(...args)).code).toBe(0)
    expect((await user.run(...args)).code).toBe(0)
    expect(await readFile(join(user.home, 'a'))).toEqual(Buffer.from(changed))
  })

  test.each([[['--cacert', 'ca.pem']], [['-k']]])(
    'comes from a server with a certificate of its own: %j',
    async flags => {
      const certificate = createSelfSigned()
      const server = createServer(certificate, (_request, response) => void response.end(CONTENT))
      onTestFinished(() => void server.close())
      await once(server.listen(0, '127.0.0.1'), 'listening')
      await writeFile(join(user.home, 'ca.pem'), certificate.cert)
      const { code } = await user.run(
        ...flags,
        '-O',
        'a',
        `https://127.0.0.1:${(server.address() as AddressInfo).port}/a`,
      )
      expect(code).toBe(0)
      expect(await readFile(join(user.home, 'a'))).toEqual(Buffer.from(CONTENT))
    },
  )

  test('says who it is, a header more than a setting', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    await user.run('-A', 'agent/1', `${server.url}/a`)
    await user.run('-A', 'agent/1', '-H', 'User-Agent: other', `${server.url}/b`)
    expect(server.requests.map(({ headers }) => headers['user-agent'])).toEqual(['agent/1', 'other'])
  })

  test('with a sha512 is checked against it', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const digest = digestOf(CONTENT, 'sha512')
    const { stdout } = await user.run('--json', '--quiet', '--digest', digest, `${server.url}/a`)
    expect(lastJson(stdout).digest).toBe(digest)
  })
})

describe('two downloads of one URL', () => {
  test('run side by side', async () => {
    const gate = Promise.withResolvers<void>()
    const server = await serveForTest(async (request, response) => {
      await gate.promise
      contentHandler(CONTENT)(request, response)
    })
    await using first = await user.start('-O', 'first', `${server.url}/a`)
    await first.waitUntil(() => server.requests.length === 1, { ...TIMEOUT, what: 'the first request' })
    await using second = await user.start('-O', 'second', `${server.url}/a`)
    await second.waitUntil(() => server.requests.length === 2, { ...TIMEOUT, what: 'the second request' })
    gate.resolve()
    expect(await Promise.all([first.exited, second.exited])).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ])
    expect(await user.leftovers()).toEqual({ files: ['first', 'second'], cache: 0 })
  })
})

describe('an interrupted download', () => {
  async function interrupted(child: ChildProcess, atBytes: number) {
    const reached = async () => (await storedBytes()) === atBytes
    await child.waitUntil(reached, { ...TIMEOUT, what: `${atBytes} stored bytes` })
    child.signal('SIGINT')
    expect(await child.exited).toEqual({ code: 130, signal: null })
  }

  /** Blocks arrive in order. */
  async function storedBytes(): Promise<number> {
    const cache = join(user.elsewhere, 'cache')
    const files = await readdir(cache, { recursive: true, withFileTypes: true }).catch(() => [])
    const stored = files.find(({ parentPath, name }) => basename(parentPath) === 'blocks' && !name.endsWith('.part'))
    return stored === undefined ? 0 : (await stat(join(stored.parentPath, stored.name))).size
  }

  test('removes its file, keeps its blocks and resumes', async () => {
    const half = 1536 * 1024
    let stalling = true
    const server = await serveForTest((request, response) => {
      if (!stalling) {
        contentHandler(CONTENT)(request, response)
        return
      }
      response.writeHead(200, { 'content-length': CONTENT.length, etag: '"one"' })
      response.write(CONTENT.subarray(0, half))
    })
    await using child = await user.start(`${server.url}/disk.img`)
    await interrupted(child, half)
    expect(child.stderr.text()).toMatch(
      /^dfget: interrupted; 1\.[2-5] MiB of verified blocks are kept in .*, the same command resumes\n$/,
    )
    expect(await user.leftovers()).toEqual({ files: [], cache: 1 })

    stalling = false
    const { code, stdout } = await user.run('--json', `${server.url}/disk.img`)
    expect(code).toBe(0)
    // The newest block may have been on its way to the disk. What is there is not read again.
    const { diskBytes, originBytes } = lastJson(stdout)
    expect(diskBytes).toBeGreaterThanOrEqual(half - 256 * 1024)
    expect(diskBytes + originBytes).toBe(CONTENT.length)
    expect(await readFile(join(user.home, 'disk.img'))).toEqual(Buffer.from(CONTENT))
    expect(await user.leftovers()).toEqual({ files: ['disk.img'], cache: 0 })
  })

  test('that has no block yet says so, and leaves nothing', async () => {
    const server = await serveForTest(
      (_request, response) => void response.writeHead(200, { 'content-length': 10 }).flushHeaders(),
    )
    await using child = await user.start(`${server.url}/a`)
    await child.waitUntil(() => server.requests.length === 1, { ...TIMEOUT, what: 'the request' })
    child.signal('SIGTERM')
    expect((await child.exited).code).toBe(130)
    expect(child.stderr.text()).toBe('dfget: interrupted\n')
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })
})

describe('a registry blob', () => {
  test('is checked against the digest in its URL', async () => {
    const registry = await startRegistryMock()
    const digest = await pushBlob(registry, 'library/demo', CONTENT)
    const url = `${registry.url}/v2/library/demo/blobs/${digest}`
    const { code, stdout } = await user.run('--json', '-O', 'blob', url)
    expect(code).toBe(0)
    expect(lastJson(stdout)).toMatchObject({ digest, originBytes: CONTENT.length })

    registry.faults.set([{ match: { kind: 'blob' }, action: 'corrupt' }])
    const corrupt = await user.run('-O', 'corrupt', url)
    expect(corrupt).toMatchObject({ code: 65, stderr: expect.stringContaining(`expected ${digest}, got `) })
    expect(await user.leftovers()).toEqual({ files: ['blob'], cache: 0 })
  })

  test('of a registry that wants a token is read with the credentials of the URL', async () => {
    const registry = await startRegistryMock({ auth: { mode: 'basic' } })
    const path = `/v2/library/demo/blobs/sha256:${'0'.repeat(64)}`
    const refused = await user.run('-O', 'blob', `${registry.url}${path}`)
    expect(refused.stderr).toContain('answered 401: it wants credentials')
    const admitted = await user.run('-O', 'blob', `http://user:password@${registry.host}${path}`)
    expect(admitted.stderr).toContain('answered 404: it has no such file')
  })
})

describe('with a supernode', () => {
  async function startSupernode() {
    const settings = { trial: true, http: { listen: '127.0.0.1:0' }, dataDir: join(user.elsewhere, 'supernode') }
    const config = Value.Parse(SupernodeConfig, Value.Default(SupernodeConfig, settings))
    const supernode = await createSupernode(config, silentLogger())
    await supernode.start()
    return { url: supernode.url(), [Symbol.asyncDispose]: () => supernode.stop() }
  }

  test('two downloads take one copy from the registry', async () => {
    const registry = await startRegistryMock()
    const digest = await pushBlob(registry, 'library/demo', CONTENT)
    const url = `${registry.url}/v2/library/demo/blobs/${digest}`
    await using supernode = await startSupernode()
    const args = ['--json', '--supernode', supernode.url, url]

    await using first = await user.start('-O', 'first', '--linger', '60', ...args)
    const line = await first.waitForLine('stdout', text => text.startsWith('{"event":"done"'), TIMEOUT)
    expect(lastJson(line)).toMatchObject({ supernodeBytes: CONTENT.length, originBytes: 0 })
    const second = await user.run('-O', 'second', ...args)
    expect(second.code).toBe(0)
    const { peerBytes, supernodeBytes, originBytes } = lastJson(second.stdout)
    expect({ swarmBytes: peerBytes + supernodeBytes, originBytes }).toEqual({
      swarmBytes: CONTENT.length,
      originBytes: 0,
    })
    expect(peerBytes).toBeGreaterThan(0)
    expect(registry.stats.snapshot().blobs[digest]?.bytesSent).toBe(CONTENT.length)

    first.signal('SIGINT')
    expect(await first.exited).toEqual({ code: 0, signal: null })
    expect(await readFile(join(user.home, 'first'))).toEqual(Buffer.from(CONTENT))
    expect(await readFile(join(user.home, 'second'))).toEqual(Buffer.from(CONTENT))
    expect(await user.leftovers()).toEqual({ files: ['first', 'second'], cache: 0 })
  })

  test('that is down the origin is read at once', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const { code, stdout } = await user.run('--json', '--supernode', 'http://127.0.0.1:1', `${server.url}/a`)
    expect(code).toBe(0)
    const { originBytes, durationMs } = lastJson(stdout)
    // Far from the second that may be waited, because the machine may be busy, and from every timeout that is not ours.
    expect(originBytes).toBe(CONTENT.length)
    expect(durationMs).toBeLessThan(5_000)
  })

  test('that says nothing the origin is read after a second', async () => {
    const server = await serveForTest(contentHandler(CONTENT))
    const silent = await serveForTest(() => {})
    const { code, stdout } = await user.run('--json', '--supernode', silent.url, `${server.url}/a`)
    expect(code).toBe(0)
    expect(lastJson(stdout).durationMs).toBeLessThan(5_000)
  })
})
