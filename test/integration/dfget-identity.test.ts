import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LoggedEvent } from '../../supernode/control/event-log.ts'
import { ask } from '../helpers/ask.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { createDfgetUser, type DfgetUser, lastJson, serveForTest } from '../helpers/dfget-user.ts'
import type { TestHttpServer } from '../helpers/http-server.ts'
import { patternBytes, serveContent } from '../helpers/origin-content.ts'
import { waitFor } from '../helpers/wait.ts'

/** Longer than what comes with the answer to a registration. */
const CONTENT = patternBytes(600_000)

let user: DfgetUser
let cluster: TestCluster
let supernode: Awaited<ReturnType<TestCluster['supernode']>>
let eventLog: string
beforeEach(async () => {
  user = await createDfgetUser()
  cluster = await startCluster()
  eventLog = join(user.elsewhere, 'events.jsonl')
  supernode = await cluster.supernode({ eventLog })
})
afterEach(async () => {
  await cluster[Symbol.asyncDispose]()
  await user[Symbol.asyncDispose]()
})

const startOrigin = () => serveForTest((request, response) => serveContent(request, response, CONTENT))

/** How often all of the content was asked for, rather than whether it may be read. */
const readsOf = ({ requests }: TestHttpServer) =>
  requests.filter(({ method, headers }) => method === 'GET' && headers.range === undefined).length

async function tasks(): Promise<{ id: string; state: string; blockSizeBytes: number }[]> {
  return JSON.parse((await ask(`${supernode.url}/api/v1/tasks`)).body.toString())
}

let files = 0
async function download(...args: string[]) {
  const name = `file-${files++}`
  const { code, stdout, stderr } = await user.run('--json', '-q', '--supernode', supernode.url, '-O', name, ...args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(await readFile(join(user.home, name))).toEqual(CONTENT)
  return lastJson(stdout)
}

const AMAZON = (signature: string) =>
  `?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${signature}&X-Amz-Date=${signature}&X-Amz-Expires=60&X-Amz-Signature=${signature}`

test.each<[string, string[], string[], number]>([
  ['the same URL', ['/a'], ['/a'], 1],
  ['another query', ['/a?v=1'], ['/a?v=2'], 2],
  ['another query that --filter names', ['/a?v=1&s=x', '--filter', 'v'], ['/a?v=2&s=x', '--filter', 'v'], 1],
  ['several names to --filter', ['/a?v=1&w=1', '--filter', 'v&w'], ['/a?v=2&w=2', '--filter', 'w', '--filter', 'v'], 1],
  ['another query besides what --filter names', ['/a?v=1&s=x', '--filter', 'v'], ['/a?v=1&s=y', '--filter', 'v'], 2],
  ['URLs that were presigned twice', [`/a${AMAZON('one')}`], [`/a${AMAZON('two')}`], 1],
  ['presigned URLs of two versions', [`/a${AMAZON('one')}&versionId=1`], [`/a${AMAZON('two')}&versionId=2`], 2],
  ['another tag', ['/a', '--tag', 'one'], ['/a', '--tag', 'two'], 2],
  ['another application', ['/a', '--application', 'one'], ['/a', '--application', 'two'], 2],
])('%s', async (_, [path = '', ...args], [otherPath = '', ...otherArgs], expected) => {
  const origin = await startOrigin()
  await download(`${origin.url}${path}`, ...args)
  const { originBytes, diskBytes } = await download(`${origin.url}${otherPath}`, ...otherArgs)
  expect({ originBytes, diskBytes }).toEqual({ originBytes: 0, diskBytes: 0 })
  expect(await tasks()).toHaveLength(expected)
  expect(readsOf(origin)).toBe(expected)
})

test('--block-size cuts what is new, and nothing that is there', async () => {
  const origin = await startOrigin()
  const url = `${origin.url}/a`
  await download(url, '--block-size', String(512 * 1024))
  await download(url, '--block-size', String(1024 * 1024))
  await download(url)
  expect(await tasks()).toEqual([expect.objectContaining({ blockSizeBytes: 512 * 1024 })])
  expect(readsOf(origin)).toBe(1)
  const { code, stderr } = await user.run('--block-size', '700000', url)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^dfget: [^\n]*power of two[^\n]*\n$/) })
})

describe('--disable-back-to-source', () => {
  test('has the supernode deliver', async () => {
    const origin = await startOrigin()
    await download('--disable-back-to-source', `${origin.url}/a`)
    expect(readsOf(origin)).toBe(1)
  })

  test('fails where nobody else can, and the origin is not read from here', async () => {
    const withoutValidator = await serveForTest((_request, response) => response.writeHead(200).end(CONTENT))
    const missing = await serveForTest((_request, response) => response.writeHead(404).end())
    const seen = async (server: TestHttpServer, ...args: string[]) => {
      const before = server.requests.length
      const { code, stdout, stderr } = await user.run('--disable-back-to-source', ...args, `${server.url}/a`)
      expect(stderr).toMatch(/^dfget: [^\n]+; check --supernode, or leave out --disable-back-to-source\n$/)
      expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
      return server.requests.slice(before).filter(({ method }) => method === 'GET').length
    }
    const origin = await startOrigin()
    expect(await seen(origin)).toBe(0)
    expect(await seen(origin, '--range', '0-9')).toBe(0)
    expect(await seen(origin, '--supernode', 'http://127.0.0.1:1')).toBe(0)
    await seen(withoutValidator, '--supernode', supernode.url)
    await seen(missing, '--supernode', supernode.url)
    expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
  })
})

test('--priority background reaches the supernode', async () => {
  const origin = await startOrigin()
  await download('--priority', 'background', `${origin.url}/a`)
  await download(`${origin.url}/b`)
  const joins = async () =>
    (await readFile(eventLog, 'utf8'))
      .split('\n')
      .filter(line => line.endsWith('}'))
      .map(line => (JSON.parse(line) as LoggedEvent).event)
      .flatMap(event => (event.type === 'join' ? [event.priority] : []))
  await waitFor(async () => (await joins()).length >= 2, { timeoutMs: 10_000, what: 'two joins' })
  expect([...new Set(await joins())]).toEqual(['background', undefined])
})
