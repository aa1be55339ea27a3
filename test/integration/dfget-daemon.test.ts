import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { contentHandler, createDfgetUser, type DfgetUser, lastJson, serveForTest } from '../helpers/dfget-user.ts'
import { patternBytes } from '../helpers/registry-mock.ts'
import { waitFor } from '../helpers/wait.ts'

const CONTENT = patternBytes(3 * 1024 * 1024 + 17)

let user: DfgetUser
let cluster: TestCluster
let socket: string
beforeEach(async () => {
  user = await createDfgetUser()
  cluster = await startCluster()
  socket = join(user.elsewhere, 'dfdaemon.sock')
})
afterEach(async () => {
  await cluster[Symbol.asyncDispose]()
  await user[Symbol.asyncDispose]()
})

const withDaemon = (...args: string[]) => user.run('--daemon-socket', socket, '--json', '--quiet', ...args)
const saved = (name: string) => readFile(join(user.home, name))

describe('where a dfdaemon listens on the socket', () => {
  test('it does the work, and what it holds is there for the next', async () => {
    const supernode = await cluster.supernode()
    await cluster.dfdaemon({ socket, supernode: supernode.url })
    const server = await serveForTest(contentHandler(CONTENT))
    const first = await withDaemon(`${server.url}/a`)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(lastJson(first.stdout)).toMatchObject({ digest: digestOf(CONTENT), supernodeBytes: CONTENT.length })
    expect(await saved('a')).toEqual(Buffer.from(CONTENT))
    const second = await withDaemon('-O', 'b', `${server.url}/a`)
    expect(lastJson(second.stdout)).toMatchObject({ diskBytes: CONTENT.length, originBytes: 0 })
    expect(await saved('b')).toEqual(Buffer.from(CONTENT))
    // Nothing of a peer of its own is left, because there was none.
    expect((await user.leftovers()).cache).toBe(0)
  })

  test('without a supernode it reads the origin', async () => {
    await cluster.dfdaemon({ socket })
    const server = await serveForTest(contentHandler(CONTENT))
    const { stdout } = await withDaemon('-H', 'X-One: 1', `${server.url}/a`)
    expect(lastJson(stdout)).toMatchObject({ originBytes: CONTENT.length })
    expect(await saved('a')).toEqual(Buffer.from(CONTENT))
  })

  test('parts are parts, and what is begun is continued', async () => {
    await cluster.dfdaemon({ socket })
    const server = await serveForTest(contentHandler(CONTENT))
    expect((await withDaemon('-O', 'part', '--range', '5-9', `${server.url}/a`)).code).toBe(0)
    expect(await saved('part')).toEqual(Buffer.from(CONTENT.subarray(5, 10)))
    expect((await withDaemon('-O', 'end', '--range', '-5', `${server.url}/a`)).code).toBe(0)
    expect(await saved('end')).toEqual(Buffer.from(CONTENT.subarray(-5)))
    await writeFile(join(user.home, 'begun'), CONTENT.subarray(0, 100_000))
    expect((await withDaemon('-O', 'begun', '--continue', `${server.url}/a`)).code).toBe(0)
    expect(await saved('begun')).toEqual(Buffer.from(CONTENT))
    expect((await withDaemon('-O', 'none', '--range', '4000000-', `${server.url}/a`)).code).toBe(33)
  })

  test('what the origin answers is told as without it', async () => {
    await cluster.dfdaemon({ socket })
    const server = await serveForTest((_request, response) => {
      response.statusCode = 403
      response.end()
    })
    const { code, stderr } = await withDaemon(`${server.url}/a`)
    expect(code).toBe(22)
    expect(stderr).toMatch(
      /^dfget: [\d.:]+ answered 403: it does not let you read this; check the credentials and the URL\n$/,
    )
    expect((await user.leftovers()).files).toEqual([])
  })

  test('why the origin cannot be reached decides the exit code', async () => {
    await cluster.dfdaemon({ socket })
    expect((await withDaemon('http://127.0.0.1:1/a')).code).toBe(7)
    expect((await withDaemon('http://host.invalid/a')).code).toBe(6)
  })

  test('a digest that does not hold leaves nothing', async () => {
    await cluster.dfdaemon({ socket })
    const server = await serveForTest(contentHandler(CONTENT))
    const { code } = await withDaemon('--digest', digestOf(randomBytes(8)), `${server.url}/a`)
    expect(code).toBe(65)
    expect((await user.leftovers()).files).toEqual([])
  })

  test('the swarm alone is asked when the origin may not be', async () => {
    await cluster.dfdaemon({ socket })
    const server = await serveForTest(contentHandler(CONTENT))
    const { code, stderr } = await withDaemon('--disable-back-to-source', `${server.url}/a`)
    expect(code).toBe(69)
    expect(stderr).toMatch(/^dfget: the swarm did not give the content, .*--disable-back-to-source\n$/)
  })

  test('what has come when the user gives up is there for the same command again', async () => {
    const answer = contentHandler(CONTENT)
    let held = false
    const server = await serveForTest((request, response) => {
      if (request.method === 'HEAD' || held) return answer(request, response)
      held = true
      response.writeHead(200, { 'content-length': CONTENT.length, etag: '"one"' }).write(CONTENT.subarray(0, 2 ** 21))
    })
    const daemon = await cluster.dfdaemon({ socket, checkedFirstBytes: '0' })
    await using child = await user.start('--daemon-socket', socket, '--quiet', `${server.url}/a`)
    await waitFor(async () => (await storedBytes(daemon)) >= 2 ** 20, { timeoutMs: 20_000, what: 'blocks' })
    child.signal('SIGINT')
    expect((await child.exited).code).toBe(130)
    expect(child.stderr.text()).toMatch(
      /^dfget: interrupted; \d\.\d MiB of verified blocks are kept by the dfdaemon, the same command resumes\n$/,
    )
    expect((await user.leftovers()).files).toEqual([])
  })

  test('its end in the middle of a download is made up for', async () => {
    const answer = contentHandler(CONTENT)
    let asked = 0
    const server = await serveForTest((request, response) => {
      if (request.method === 'HEAD' || asked++ > 0) return answer(request, response)
      // What the dfdaemon gets has no end.
      response.writeHead(200, { 'content-length': CONTENT.length, etag: '"one"' }).write(CONTENT.subarray(0, 2 ** 20))
    })
    const daemon = await cluster.dfdaemonProcess({ socket })
    await using child = await user.start('--daemon-socket', socket, '--json', '--quiet', `${server.url}/a`)
    await child.waitForLine('stdout', line => line.includes('"begin"'), { timeoutMs: 20_000 })
    await waitFor(async () => asked > 0, { timeoutMs: 10_000, what: 'the dfdaemon to read' })
    daemon.process.signal('SIGKILL')
    expect((await child.exited).code).toBe(0)
    expect(await saved('a')).toEqual(Buffer.from(CONTENT))
  })
})

test.each([
  ['nothing is there', async () => {}],
  [
    'something else listens there, and says nothing',
    async () => {
      const silent = createServer(() => {})
      await new Promise<void>(listening => silent.listen(socket, listening))
      onTestFinished(() => void silent.close())
    },
  ],
])('when %s, dfget works by itself', async (_what, prepare) => {
  await prepare()
  const server = await serveForTest(contentHandler(CONTENT))
  const { code, stdout } = await withDaemon(`${server.url}/a`)
  expect(code).toBe(0)
  expect(lastJson(stdout)).toMatchObject({ originBytes: CONTENT.length })
})

test('the socket of a dfdaemon that was killed is taken over, one in use is left alone', async () => {
  const killed = await cluster.dfdaemonProcess({ socket })
  killed.process.signal('SIGKILL')
  await killed.process.exited
  const next = await cluster.dfdaemon({ socket })
  const { ino } = await stat(socket)
  await cluster.dfdaemon({ socket })
  expect((await stat(socket)).ino).toBe(ino)
  const server = await serveForTest(contentHandler(CONTENT))
  expect((await withDaemon(`${server.url}/a`)).code).toBe(0)
  await next.stop()
  await expect(stat(socket)).rejects.toMatchObject({ code: 'ENOENT' })
})

/** Of all tasks of a dfdaemon. */
async function storedBytes({ url }: { readonly url: string }): Promise<number> {
  const tasks = (await (await fetch(`${url}/api/v1/tasks`)).json()) as { storedBytes: number }[]
  return tasks.reduce((sum, task) => sum + task.storedBytes, 0)
}
