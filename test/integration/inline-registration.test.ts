import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SMALL_CONTENT_BYTES } from '../../protocol/small-content.ts'
import { ask } from '../helpers/ask.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { contentHandler, createDfgetUser, lastJson, serveForTest } from '../helpers/dfget-user.ts'
import type { TestHttpServer } from '../helpers/http-server.ts'
import { patternBytes, serveContent } from '../helpers/origin-content.ts'
import { waitFor } from '../helpers/wait.ts'

const SMALL = patternBytes(SMALL_CONTENT_BYTES)
const BLOCK_BYTES = 256 * 1024

let cluster: TestCluster
let supernode: Awaited<ReturnType<TestCluster['supernode']>>
beforeEach(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode()
})
afterEach(() => cluster[Symbol.asyncDispose]())

async function register(url: string, init: { inline?: boolean; headers?: Record<string, string> } = {}) {
  const { headers = {}, ...rest } = init
  const body = JSON.stringify({ peerId: supernode.peerId, source: { url, headers }, ...rest })
  const type = { 'content-type': 'application/json' }
  const { body: answer } = await ask(`${supernode.url}/peer/registry`, { method: 'POST', headers: type, body })
  return JSON.parse(answer.toString())
}

const tasks = async () => JSON.parse((await ask(`${supernode.url}/api/v1/tasks`)).body.toString())

/** How often all of the content was asked for. */
const readsOf = ({ requests }: TestHttpServer) =>
  requests.filter(({ method, headers }) => method === 'GET' && headers.range === undefined).length

const startOrigin = (content: Buffer) => serveForTest((request, response) => serveContent(request, response, content))

test('small content comes with the answer to whoever asks for it so, and is read once', async () => {
  const origin = await startOrigin(SMALL)
  const answers = await Promise.all([1, 2, 3].map(() => register(`${origin.url}/a`, { inline: true })))
  for (const answer of [...answers, await register(`${origin.url}/a`, { inline: true })]) {
    expect(answer).toMatchObject({ state: 'admitted', sizeBytes: SMALL.length, validator: '"v1"' })
    expect(Buffer.from(answer.content, 'base64').equals(SMALL)).toBe(true)
  }
  expect(readsOf(origin)).toBe(1)
  expect(await tasks()).toEqual([expect.objectContaining({ state: 'complete', storedBytes: SMALL.length })])
})

test('a byte more does not', async () => {
  const origin = await startOrigin(patternBytes(SMALL_CONTENT_BYTES + 1))
  const answer = await register(`${origin.url}/a`, { inline: true })
  expect(answer).toMatchObject({ state: 'admitted', sizeBytes: SMALL_CONTENT_BYTES + 1 })
  expect(answer).not.toHaveProperty('content')
  expect(await tasks()).toHaveLength(1)
})

test('a later registration for the swarm takes no second copy from the origin', async () => {
  const origin = await startOrigin(SMALL)
  const { taskId } = await register(`${origin.url}/a`, { inline: true })
  const answer = await register(`${origin.url}/a`)
  expect(answer).toMatchObject({ taskId, sizeBytes: SMALL.length })
  expect(answer).not.toHaveProperty('content')
  const complete = async () => (await tasks())[0]?.state === 'complete'
  await waitFor(complete, { timeoutMs: 10_000, what: 'the task' })
  expect(await tasks()).toEqual([expect.objectContaining({ id: taskId, storedBytes: SMALL.length })])
  expect(readsOf(origin)).toBe(1)
  // What is there as blocks has a swarm.
  expect(await register(`${origin.url}/a`, { inline: true })).not.toHaveProperty('content')
})

test('whoever may not read the origin gets nothing of it', async () => {
  const origin = await serveForTest((request, response) => {
    if (request.headers.authorization !== 'Bearer good') return response.writeHead(401).end()
    return serveContent(request, response, SMALL)
  })
  const good = { headers: { authorization: 'Bearer good' }, inline: true }
  expect(await register(`${origin.url}/a`, good)).toHaveProperty('content')
  expect(await register(`${origin.url}/a`, { inline: true })).toMatchObject({ code: 'UNAUTHORIZED' })
})

test('small content that changes is new content', async () => {
  let content = contentHandler(SMALL)
  const origin = await serveForTest((request, response) => content(request, response))
  const first = await register(`${origin.url}/a`, { inline: true })
  const changed = Buffer.from('changed')
  content = contentHandler(changed, { etag: '"two"' })
  await waitFor(
    async () => {
      const { taskId, content: text } = await register(`${origin.url}/a`, {
        inline: true,
        headers: { 'x-ask': 'anew' },
      })
      return taskId !== first.taskId && Buffer.from(text, 'base64').equals(changed)
    },
    { timeoutMs: 10_000, what: 'the new content' },
  )
})

test('dfget takes small content so', async () => {
  await using user = await createDfgetUser()
  const origin = await startOrigin(SMALL)
  const { code, stdout } = await user.run('--json', '-q', '--supernode', supernode.url, `${origin.url}/a`)
  expect(code).toBe(0)
  expect(lastJson(stdout)).toMatchObject({ supernodeBytes: SMALL.length, originBytes: 0 })
  expect(readsOf(origin)).toBe(1)
  expect(await tasks()).toEqual([expect.objectContaining({ state: 'complete', storedBytes: SMALL.length })])
})

test('a peer that goes on from the origin does not mix in what the origin has by then', async () => {
  await using user = await createDfgetUser()
  const content = patternBytes(4 * BLOCK_BYTES)
  const half = 2 * BLOCK_BYTES
  let changed = false
  const origin = await serveForTest((request, response) => {
    if (changed) {
      return contentHandler(
        content.map(byte => byte ^ 0xff),
        { etag: '"two"' },
      )(request, response)
    }
    response.writeHead(200, { 'content-length': content.length, etag: '"one"' })
    return request.method === 'HEAD' ? response.end() : response.write(content.subarray(0, half))
  })
  await using child = await user.start('--supernode', supernode.url, `${origin.url}/a`)
  const stored = async () => {
    const cache = join(user.elsewhere, 'cache')
    const files = await readdir(cache, { recursive: true, withFileTypes: true }).catch(() => [])
    const found = files.find(({ parentPath, name }) => basename(parentPath) === 'blocks' && !name.endsWith('.part'))
    return found === undefined ? 0 : (await stat(join(found.parentPath, found.name))).size
  }
  await child.waitUntil(async () => (await stored()) >= half, { timeoutMs: 20_000, what: 'half of it' })
  changed = true
  await supernode.stop()
  expect((await child.exited).code).toBe(18)
  expect(child.stderr.text()).toMatch(/^dfget: [^\n]* with other content than before[^\n]*\n$/)
  expect((await user.leftovers()).files).toEqual([])
}, 60_000)

test('content that changed while it was read is another task at once, though its origin was asked a moment ago', async () => {
  const [before, after] = [patternBytes(4 * BLOCK_BYTES), patternBytes(3 * BLOCK_BYTES)]
  let changed = false
  const origin = await serveForTest((request, response) => {
    const [content, etag] = changed ? [after, '"two"'] : [before, '"one"']
    const headers = { 'content-length': content.length, etag }
    if (request.method === 'HEAD' || changed) {
      response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : content)
      return
    }
    changed = true
    response.writeHead(200, headers).write(content.subarray(0, BLOCK_BYTES), () => response.destroy())
  })
  const first = await register(`${origin.url}/a`)
  const isIn = (state: string) => async () =>
    (await tasks()).some((task: { state: string; sizeBytes: number }) => task.state === state)
  await waitFor(isIn('failed'), { timeoutMs: 15_000, what: 'the read to fail' })
  const second = await register(`${origin.url}/a`)
  expect(second).toMatchObject({ state: 'admitted', validator: '"two"', sizeBytes: after.length })
  expect(second.taskId).not.toBe(first.taskId)
  await waitFor(isIn('complete'), { timeoutMs: 10_000, what: 'the new content' })
})
