import { randomBytes } from 'node:crypto'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { request } from 'undici'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runDfget } from '../../dfget/cli/run-dfget.ts'
import { createTokenClient } from '../../lib/http/access/tokens/token-client.ts'
import { socketEndpoint } from '../../lib/http/client/api-endpoint.ts'
import { digestOf } from '../../protocol/digest.ts'
import type { LocatedTask } from '../../protocol/messages/task-api.ts'
import { ask } from '../helpers/ask.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { createDfgetUser, type DfgetRun, type DfgetUser, lastJson, serveForTest } from '../helpers/dfget-user.ts'
import { pullBlob } from '../helpers/pull.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024

let cluster: TestCluster

beforeEach(async () => {
  cluster = await startCluster()
})

afterEach(() => cluster[Symbol.asyncDispose]())

async function put(supernode: TestProgram, digest: string, body: Readable | Buffer) {
  const answer = await request(`${supernode.url}/api/v1/tasks/${digest}`, { method: 'PUT', body })
  return { status: answer.statusCode, json: (await answer.body.json()) as { code?: string; message?: string } }
}

async function tasks(supernode: TestProgram): Promise<LocatedTask[]> {
  return JSON.parse((await ask(`${supernode.url}/api/v1/tasks`)).body.toString())
}

/** A stream that gives what the test pushes. */
function slowBody(): Readable {
  return new Readable({ read() {} })
}

async function untilImporting(supernode: TestProgram, digest: string): Promise<void> {
  const isSo = async () => (await tasks(supernode)).some(({ id, state }) => id === digest && state === 'reading')
  await waitFor(isSo, { timeoutMs: 5_000, what: 'the import to begin' })
}

describe('PUT /api/v1/tasks/{digest}', () => {
  test('other content than the digest says is refused, and nothing is left of it', async () => {
    const supernode = await cluster.supernode()
    const content = randomBytes(MIB)
    const digest = digestOf(Buffer.from('something else'))
    expect(await put(supernode, digest, content)).toMatchObject({ status: 400, json: { code: 'DIGEST_INVALID' } })
    expect(await tasks(supernode)).toEqual([])
    expect(await put(supernode, 'sha256:beginning', content)).toMatchObject({
      status: 400,
      json: { code: 'DIGEST_INVALID' },
    })
  })

  test('a size above 2^53 is refused before anything is read', async () => {
    const supernode = await cluster.supernode()
    const digest = digestOf(Buffer.from('something'))
    const sent = httpRequest(`${supernode.url}/api/v1/tasks/${digest}`, {
      method: 'PUT',
      headers: { 'content-length': '9007199254740993' },
    })
    sent.on('error', () => {})
    sent.flushHeaders()
    const status = await new Promise(resolve => sent.once('response', answer => resolve(answer.statusCode)))
    sent.destroy()
    expect(status).toBe(400)
    expect(await tasks(supernode)).toEqual([])
  })

  test('an upload that breaks off leaves nothing', async () => {
    const supernode = await cluster.supernode()
    const content = randomBytes(2 * MIB)
    const digest = digestOf(content)
    const headers = { 'content-length': content.length }
    const upload = httpRequest(`${supernode.url}/api/v1/tasks/${digest}`, { method: 'PUT', headers })
    upload.on('error', () => {})
    upload.write(content.subarray(0, MIB))
    await untilImporting(supernode, digest)
    upload.destroy()
    await waitFor(async () => (await tasks(supernode)).length === 0, { timeoutMs: 5_000, what: 'the rest to go' })
    expect(await put(supernode, digest, content)).toMatchObject({ status: 201 })
  })

  test('of an import that the supernode did not survive nothing is left', async () => {
    const supernode = await cluster.supernodeProcess()
    const digest = digestOf(Buffer.from('whatever'))
    const body = slowBody()
    const slow = put(supernode, digest, body).catch(() => undefined)
    body.push(randomBytes(MIB))
    await untilImporting(supernode, digest)
    const hasBlocks = async () => ((await tasks(supernode))[0]?.storedBytes ?? 0) > 0
    await waitFor(hasBlocks, { timeoutMs: 5_000, what: 'blocks' })
    supernode.process.signal('SIGKILL')
    await supernode.process.exited
    body.destroy()
    await slow
    const again = await cluster.supernode({ dataDir: supernode.dataDir })
    expect(await tasks(again)).toEqual([])
  })

  test('two at once are one, and content that is empty is content', async () => {
    const supernode = await cluster.supernode()
    const content = randomBytes(3 * MIB)
    const digest = digestOf(content)
    const both = await Promise.all([put(supernode, digest, content), put(supernode, digest, content)])
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 201])
    expect(await put(supernode, digestOf(Buffer.alloc(0)), Buffer.alloc(0))).toMatchObject({ status: 201 })
    expect((await tasks(supernode)).map(({ storedBytes }) => storedBytes).toSorted()).toEqual([0, content.length])
  })

  test('after a first that was wrong, a second that waited is taken', async () => {
    const supernode = await cluster.supernode()
    const content = randomBytes(MIB)
    const digest = digestOf(content)
    const wrong = slowBody()
    const first = put(supernode, digest, wrong)
    wrong.push(randomBytes(1000))
    await untilImporting(supernode, digest)
    const second = put(supernode, digest, content)
    wrong.push(null)
    expect(await first).toMatchObject({ status: 400 })
    expect(await second).toMatchObject({ status: 201 })
  })

  test('a full store refuses it, before and while it is read, and keeps nothing of it', async () => {
    const supernode = await cluster.supernode({ 'store.maxBytes': '2MiB', 'store.highWatermark': '100' })
    const content = randomBytes(3 * MIB)
    const full = { status: 507, json: { code: 'STORE_FULL', message: expect.stringContaining('store.maxBytes') } }
    expect(await put(supernode, digestOf(content), content)).toMatchObject(full)
    const chunks = [0, 1, 2].map(at => content.subarray(at * MIB, (at + 1) * MIB))
    expect(await put(supernode, digestOf(content), Readable.from(chunks))).toMatchObject(full)
    expect(await tasks(supernode)).toEqual([])
    const small = content.subarray(0, MIB)
    expect(await put(supernode, digestOf(small), small)).toMatchObject({ status: 201 })
    // It is pinned, so that nothing gives way.
    const other = randomBytes(1.5 * MIB)
    expect(await put(supernode, digestOf(other), other)).toMatchObject(full)
  })

  test('whoever has private content may make it public, who only knows its digest may not', async () => {
    const supernode = await cluster.supernode()
    const node = await cluster.dfdaemon({ supernode: supernode.url })
    const blob = await seedBlob(cluster.registry, 600_000)
    await pullBlob(node, blob)
    expect(await put(supernode, blob.digest, randomBytes(600_000))).toMatchObject({ status: 400 })
    expect((await tasks(supernode))[0]).toMatchObject({ imported: false, state: 'complete' })
    expect(await put(supernode, blob.digest, Buffer.from(blob.bytes))).toMatchObject({ status: 201 })
    expect((await tasks(supernode))[0]).toMatchObject({ imported: true, pinned: true })
  })

  test('a pull of the same content does not wait for a slow import, which gives way', async () => {
    const supernode = await cluster.supernode()
    const node = await cluster.dfdaemon({ supernode: supernode.url })
    const blob = await seedBlob(cluster.registry, 600_000)
    const body = slowBody()
    const slow = put(supernode, blob.digest, body)
    body.push(randomBytes(300_000))
    await untilImporting(supernode, blob.digest)
    expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
    expect(await slow).toMatchObject({ status: 429, json: { code: 'TOOMANYREQUESTS' } })
    body.destroy()
  })

  test('what is deleted while it comes does not come', async () => {
    const supernode = await cluster.supernode()
    const content = randomBytes(MIB)
    const digest = digestOf(content)
    const body = slowBody()
    const slow = put(supernode, digest, body)
    body.push(content.subarray(0, 1000))
    await untilImporting(supernode, digest)
    await ask(`${supernode.url}/api/v1/tasks/${digest}`, { method: 'DELETE' })
    expect(await slow).toMatchObject({ status: 404, json: { code: 'TASK_UNKNOWN' } })
    expect(await tasks(supernode)).toEqual([])
    body.destroy()
  })
})

test('a node without room refuses its replica, and another is asked', async () => {
  const supernode = await cluster.supernode()
  const tight = await cluster.dfdaemon({ supernode: supernode.url, 'store.maxBytes': '1MiB' })
  const content = randomBytes(2 * MIB)
  const digest = digestOf(content)
  const answer = await ask(`${supernode.url}/api/v1/tasks/${digest}`)
  expect(answer.status).toBe(404)
  await waitFor(async () => JSON.parse((await ask(`${supernode.url}/api/v1/peers`)).body.toString()).length === 1, {
    timeoutMs: 5_000,
    what: 'the node to link',
  })
  await request(`${supernode.url}/api/v1/tasks/${digest}?replicas=1`, { method: 'PUT', body: content })
  const roomy = await cluster.dfdaemon({ supernode: supernode.url })
  const keepers = async () => {
    const shown: LocatedTask = JSON.parse((await ask(`${supernode.url}/api/v1/tasks/${digest}`)).body.toString())
    return shown.holders.filter(({ replica }) => replica === 'kept').map(({ id }) => id)
  }
  await waitFor(async () => (await keepers()).length === 1, { timeoutMs: 15_000, what: 'the replica' })
  expect(await keepers()).toEqual([roomy.peerId])
  expect(roomy.peerId).not.toBe(tight.peerId)
})

test('small content that was given in one piece is shown and deleted like any other', async () => {
  await using user = await createDfgetUser()
  const supernode = await cluster.supernode()
  const blob = await seedBlob(cluster.registry, 1_000)
  const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
  expect(await user.run(url, '-O', 'x', '--supernode', supernode.url, '--quiet')).toMatchObject({ code: 0 })
  expect(await tasks(supernode)).toMatchObject([
    { id: blob.digest, small: true, state: 'complete', storedBytes: 1_000 },
  ])
  const shown = await user.run('stat', url, '--supernode', supernode.url)
  expect(shown).toEqual({
    code: 0,
    stdout: `${blob.digest}\n1000 B, given in one piece by the supernode\nat the supernode: complete\n\nno peer has any of it\n`,
    stderr: '',
  })
  expect(await user.run('rm', blob.digest, '--supernode', supernode.url, '--json')).toMatchObject({
    code: 0,
    stdout: `${JSON.stringify({ removed: blob.digest })}\n`,
  })
  expect(await tasks(supernode)).toEqual([])
})

describe('the command', () => {
  let user: DfgetUser

  beforeEach(async () => {
    user = await createDfgetUser()
    // The machine may have a dfdaemon of its own.
    vi.stubEnv('DFGET_DAEMON_SOCKET', '')
  })

  afterEach(async () => {
    vi.unstubAllEnvs()
    await user[Symbol.asyncDispose]()
  })

  /** Runs the command in this process, which is faster. */
  async function runHere(...args: string[]): Promise<DfgetRun> {
    const printed = { stdout: '', stderr: '' }
    const stdout = new Writable({
      write(chunk, _encoding, done) {
        printed.stdout += chunk
        done()
      },
    })
    const stderr = {
      write(text: string) {
        printed.stderr += text
      },
    }
    const code = await runDfget(['node', 'dfget', ...args], { stdin: Readable.from([]), stdout, stderr })
    return { code, ...printed }
  }

  const home = (name: string) => join(user.home, name)

  test('says what is wrong with a file, or with what was asked for, in one line', async () => {
    const supernode = await cluster.supernode()
    const missing = `sha256:${'0'.repeat(64)}`
    await mkdir(join(user.home, 'folder'))
    await symlink('nowhere', join(user.home, 'link'))
    const cases: [string[], number, RegExp][] = [
      [['import', home('folder')], 26, /folder: it is a directory; pack it into one file, with tar for example$/],
      [['import', home('absent')], 26, /absent: there is no such file$/],
      [['import', home('link')], 26, /link: there is no such file$/],
      [['import', '/dev/null'], 26, /: \/dev\/null: it is no regular file; "dfget import -" reads standard input$/],
      [
        ['import', home('folder'), '--replicas', 'two'],
        2,
        /expected a whole number from 0 to 1000; dfget --help lists/,
      ],
      [['export', 'sha256:0123', '-O', home('x')], 2, /expected sha256:<64 hex digits> or sha512:<128 hex digits>$/],
      [['export', missing], 2, /the URL ends in no file name; name the file with --output$/],
      [['export', missing, '-O', home('x')], 22, new RegExp(`: nobody has imported ${missing}$`)],
      [['stat', missing], 22, new RegExp(`: the supernode has nothing of ${missing}$`)],
      [['stat', 'sha256:0123'], 2, /"sha256:0123" is neither a URL nor a whole digest$/],
      [['stat', `${cluster.registry.url}/v2/a/blobs/${missing}`], 22, /./],
      [['rm', missing], 22, new RegExp(`: the supernode has nothing of ${missing}$`)],
    ]
    for (const [args, code, text] of cases) {
      const run = await runHere(...args, '--supernode', supernode.url)
      expect([args, run.code, run.stdout]).toEqual([args, code, ''])
      expect(run.stderr).toMatch(/^dfget: .*\n$/)
      expect(run.stderr.trimEnd()).toMatch(text)
    }
    expect(await user.leftovers()).toEqual({ files: ['folder', 'link'], cache: 0 })
  })

  test('says so when no supernode is named, or none answers', async () => {
    await writeFile(join(user.home, 'file'), 'text')
    const digest = digestOf(Buffer.from('text'))
    for (const args of [
      ['import', home('file')],
      ['export', digest, '-O', home('x')],
      ['stat', digest],
      ['rm', digest],
    ]) {
      expect(await runHere(...args)).toMatchObject({
        code: 2,
        stderr: 'dfget: the configuration is invalid: no supernode is named; give --supernode or set DFGET_SUPERNODE\n',
      })
    }
    const supernode = await cluster.supernode()
    await supernode.stop()
    for (const args of [
      ['import', home('file')],
      ['export', digest, '-O', home('x')],
      ['stat', digest],
    ]) {
      const run = await runHere(...args, '--supernode', supernode.url)
      expect([args, run.code]).toEqual([args, 7])
      expect(run.stderr).toMatch(/^dfget: the supernode could not be reached: .*; check --supernode and the network\n$/)
    }
  })

  test('imports standard input, and what is there already is not sent again', async () => {
    const supernode = await cluster.supernode()
    const content = randomBytes(MIB)
    await writeFile(join(user.home, 'file'), content)
    const digest = digestOf(content)
    await using piped = await user.shell('cat file | dfget import - --supernode "$1" --json', supernode.url)
    await piped.exited
    expect(lastJson(piped.stdout.text())).toMatchObject({ digest, sizeBytes: MIB, sentBytes: MIB, replicas: 0 })
    expect(piped.stderr.text()).toMatch(/^standard input: 1\.0 MiB, sent in .* s\n$/)
    const again = await user.run('import', 'file', '--replicas', '3', '--supernode', supernode.url, '--json')
    expect(lastJson(again.stdout)).toMatchObject({ digest, sizeBytes: MIB, sentBytes: 0, replicas: 3 })
    expect(again.stderr).toBe('file: 1.0 MiB, imported before, nothing was sent\n')
    const taken = await user.run(`swarm:${digest}`, '-O', 'taken', '--supernode', supernode.url, '--quiet')
    expect(taken).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await readFile(join(user.home, 'taken'))).equals(content)).toBe(true)
  })

  test('needs a token for a supernode that is no trial', async () => {
    const supernode = await cluster.supernode({ trial: 'false' })
    await writeFile(join(user.home, 'file'), 'text')
    const tokenOf = async (role: string) => {
      const owner = socketEndpoint(join(supernode.dataDir, 'supernode.sock'))
      const { token } = await createTokenClient(owner, 'SUPERNODE_UNREACHABLE').create({ role: role as 'viewer' })
      await writeFile(join(user.home, role), `${token}\n`)
      return ['--supernode', supernode.url, '--token-file', role]
    }
    const refused = await user.run('import', 'file', '--supernode', supernode.url)
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('"supernode token create --role viewer"')
    expect((await user.run('import', 'file', ...(await tokenOf('viewer')))).stderr).toContain('not for viewers')
    const operator = await tokenOf('operator')
    expect(await user.run('import', 'file', ...operator)).toMatchObject({ code: 0 })
    const digest = digestOf(Buffer.from('text'))
    expect(await user.run('stat', digest, '--supernode', supernode.url, '--token-file', 'viewer')).toMatchObject({
      code: 0,
    })
    expect(await user.run('rm', digest, ...operator)).toMatchObject({ code: 0 })
  })

  test('can be interrupted while it sends', async () => {
    const sending = Promise.withResolvers<void>()
    const silent = await serveForTest((asked, response) => {
      if (asked.method === 'PUT') return sending.resolve()
      response.writeHead(404).end(JSON.stringify({ code: 'TASK_UNKNOWN', message: 'task unknown' }))
    })
    await writeFile(join(user.home, 'file'), randomBytes(MIB))
    await using importing = await user.start('import', 'file', '--supernode', silent.url)
    await sending.promise
    importing.signal('SIGINT')
    const { code } = await importing.exited
    expect([code, importing.stdout.text(), importing.stderr.text()]).toEqual([130, '', 'dfget: interrupted\n'])
  })
})
