import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { contentHandler, createDfgetUser, type DfgetUser, serveForTest } from '../helpers/dfget-user.ts'
import type { TestHandler, TestHttpServer } from '../helpers/http-server.ts'
import { patternBytes } from '../helpers/registry-mock.ts'

const CONTENTS = new Map(
  ['/a', '/b', '/c', '/d/e'].map((path, at) => [path, patternBytes(300_000 * (at + 1))] as const),
)

let user: DfgetUser
beforeEach(async () => {
  user = await createDfgetUser()
})
afterEach(() => user[Symbol.asyncDispose]())

/** Has all contents, and 404 for all else. */
const answer: TestHandler = (request, response) => {
  const content = CONTENTS.get(request.url ?? '')
  if (content === undefined) response.writeHead(404).end()
  else contentHandler(content)(request, response)
}

const urlsOf = (server: TestHttpServer) => [...CONTENTS.keys()].map(path => server.url + path)

async function expectFiles(directory: string, paths: readonly string[] = [...CONTENTS.keys()]): Promise<void> {
  const names = paths.map(path => path.slice(path.lastIndexOf('/') + 1))
  expect((await readdir(directory)).sort()).toEqual(names.sort())
  for (const path of paths) {
    const found = await readFile(join(directory, path.slice(path.lastIndexOf('/') + 1)))
    expect(digestOf(found)).toBe(digestOf(CONTENTS.get(path) ?? new Uint8Array()))
  }
}

test('several URLs go to the current directory, each with its line and its object', async () => {
  const server = await serveForTest(answer)
  const { code, stdout, stderr } = await user.run('--json', ...urlsOf(server))
  expect(code).toBe(0)
  expect(stderr.trim().split('\n').sort()).toEqual(
    ['a', 'b', 'c', 'e'].map(name => expect.stringMatching(`^${name}: `)),
  )
  const objects = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { event: string; url: string; digest: string })
    .filter(({ event }) => event === 'done')
  expect(new Map(objects.map(({ url, digest }) => [url, digest]))).toEqual(
    new Map([...CONTENTS].map(([path, content]) => [server.url + path, digestOf(content)])),
  )
  await expectFiles(user.home)
  expect((await user.leftovers()).cache).toBe(0)
})

test('a file, or standard input, may name them, each counts once', async () => {
  const server = await serveForTest(answer)
  const list = join(user.elsewhere, 'list.txt')
  await writeFile(list, `# models\n\n ${urlsOf(server).join('\r\n')}\n${server.url}/a\n`)
  await mkdir(join(user.home, 'into'))
  expect(await user.run('--quiet', '-O', 'into', '-i', list, `${server.url}/a`)).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  })
  await expectFiles(join(user.home, 'into'))
  expect(server.requests).toHaveLength(CONTENTS.size)
  await using shell = await user.shell('dfget --quiet --skip-existing -O into -i - < "$1" && echo done', list)
  expect((await shell.exited).code).toBe(0)
  expect(shell.stdout.text()).toBe('done\n')
  expect(server.requests).toHaveLength(CONTENTS.size)
})

test('to standard output they come in their order', async () => {
  const server = await serveForTest(answer)
  const line = 'dfget --quiet -O - "$@" | sha256sum'
  await using shell = await user.shell(line, ...urlsOf(server))
  await shell.exited
  expect(shell.stdout.text()).toBe(`${digestOf(Buffer.concat([...CONTENTS.values()])).slice(7)}  -\n`)
})

test('one that fails is said, and the others come', async () => {
  const server = await serveForTest(answer)
  const missing = `${server.url}/missing`
  const { code, stderr } = await user.run('--quiet', missing, ...urlsOf(server))
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringMatching(`^dfget: ${missing}: 127.* answered 404: it has no such file`),
    'dfget: 1 of 5 downloads failed',
  ])
  expect(code).toBe(22)
  await expectFiles(user.home)
  expect((await user.leftovers()).cache).toBe(0)
})

test('a directory that is not there is made', async () => {
  const server = await serveForTest(answer)
  const { code } = await user.run('--quiet', '-O', 'missing/one', ...urlsOf(server))
  expect(code).toBe(0)
  await expectFiles(join(user.home, 'missing/one'))
})

test('an interruption ends all of them, and what was whole stays', async () => {
  const gate = Promise.withResolvers<void>()
  const server = await serveForTest(async (request, response) => {
    if (request.url === '/b') await gate.promise
    return answer(request, response)
  })
  await using child = await user.start('--max-concurrent', '1', '--quiet', ...urlsOf(server).slice(0, 3))
  await child.waitUntil(() => server.requests.some(({ path }) => path === '/b'), {
    timeoutMs: 20_000,
    what: 'the second',
  })
  child.signal('SIGINT')
  expect(await child.exited).toEqual({ code: 130, signal: null })
  gate.resolve()
  expect(child.stderr.text()).toBe('dfget: interrupted\n')
  await expectFiles(user.home, ['/a'])
  expect((await user.run('--quiet', '--skip-existing', ...urlsOf(server).slice(0, 3))).code).toBe(0)
  await expectFiles(user.home, ['/a', '/b', '/c'])
})
