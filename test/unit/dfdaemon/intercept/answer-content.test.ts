import { createServer } from 'node:http'
import { request } from 'undici'
import { expect, test } from 'vitest'
import { createAnswerContent } from '../../../../dfdaemon/intercept/answer-content.ts'
import { PullLog } from '../../../../dfdaemon/pulls/pull-log.ts'
import type { OpenOptions } from '../../../../dfget/peer/peer.ts'
import { emptyAccount } from '../../../../dfget/peer/task/account.ts'
import type { TaskContent } from '../../../../dfget/peer/task/task-content.ts'
import { systemClock } from '../../../../lib/clock.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { listening } from './intercept-fixture.ts'

const BYTES = Buffer.from('0123456789')
const DIGEST = digestOf(BYTES)

interface FakeContent {
  /** Whether it is here already, for somebody else. */
  readonly stored?: boolean
  readonly refused?: boolean
  readonly sizeBytes?: number
  readonly contentType?: string
  readonly failAt?: number
}

/** Asks for content that a peer has; 599 when the answer was refused before its first byte. */
async function get(fake: FakeContent, digest: typeof DIGEST | undefined, headers: Record<string, string> = {}) {
  const opened: unknown[] = []
  const { sizeBytes, contentType, stored, refused, failAt = Number.POSITIVE_INFINITY } = fake
  const content: TaskContent = {
    taskId: undefined,
    account: emptyAccount(),
    here: emptyAccount,
    settled: async () => undefined,
    sizeBytes,
    contentType,
    async *read({ start, end = sizeBytes ?? BYTES.length }) {
      for (let position = start; position < end; position++) {
        if (position >= failAt) throw new Error('the origin failed too')
        yield BYTES.subarray(position, position + 1)
      }
    },
  }
  const peer = {
    async openDirect(): Promise<TaskContent> {
      throw new Error('not asked for')
    },
    async open(source: unknown, { mayRead }: OpenOptions) {
      if (stored === true) await mayRead?.()
      opened.push(source)
      return content
    },
  }
  let counted = 0
  const account = {
    blobBytes(bytes: number) {
      counted += bytes
    },
  }
  const granted: unknown[] = []
  const access = {
    async check() {
      if (refused === true) throw new Error('the origin says no')
      return { sizeBytes, validator: undefined }
    },
    grant: (source: unknown) => void granted.push(source),
  }
  const answer = createAnswerContent({
    peer,
    access,
    pulls: new PullLog({ clock: systemClock, logger: silentLogger() }),
    account,
    checkedFirstBytes: 0,
  })
  const target = { url: 'https://harbor.example/x', headers: { authorization: 'Bearer a' }, digest }
  const port = await listening(
    createServer((incoming, response) => {
      answer(incoming, response, target, { signal: new AbortController().signal }).catch(() => {
        if (!response.headersSent) response.writeHead(599).end()
      })
    }),
  )
  const { statusCode, headers: answered, body } = await request(`http://127.0.0.1:${port}`, { headers })
  return { status: statusCode, headers: answered, body: body.text(), opened, granted, counted: () => counted }
}

test('a blob has its length, digest and type', async () => {
  const { status, headers, body, opened, counted } = await get({ sizeBytes: 10, contentType: 'application/x' }, DIGEST)
  expect(await body).toBe('0123456789')
  expect(status).toBe(200)
  expect(headers).toMatchObject({
    'content-type': 'application/x',
    'content-length': '10',
    'docker-content-digest': DIGEST,
    'accept-ranges': 'bytes',
    etag: `"${DIGEST}"`,
  })
  expect(opened).toEqual([{ url: 'https://harbor.example/x', headers: { authorization: 'Bearer a' }, digest: DIGEST }])
  expect(counted()).toBe(10)
})

test.each([
  ['bytes=4-', 206, '456789', 'bytes 4-9/10'],
  ['bytes=2-3', 206, '23', 'bytes 2-3/10'],
  ['bytes=-1', 206, '9', 'bytes 9-9/10'],
  ['bytes=0-1,3-4', 200, '0123456789', undefined],
  ['bytes=10-', 599, '', undefined],
])('%s is answered with %i', async (range, status, text, contentRange) => {
  const answer = await get({ sizeBytes: 10 }, DIGEST, { range })
  expect([answer.status, await answer.body]).toEqual([status, text])
  expect(answer.headers['content-range']).toBe(contentRange)
})

test('what is here already is given to those who may read it, and to no others', async () => {
  const allowed = await get({ sizeBytes: 10, stored: true }, DIGEST)
  expect([allowed.status, await allowed.body]).toEqual([200, '0123456789'])
  // A remembered yes that its own use made younger would never end.
  expect(allowed.granted).toEqual([])
  const denied = await get({ sizeBytes: 10, stored: true, refused: true }, DIGEST)
  expect([denied.status, denied.opened, denied.granted]).toEqual([599, [], []])
})

test('a first byte that the origin gave is its yes for later', async () => {
  expect((await get({ sizeBytes: 10 }, DIGEST)).granted).toHaveLength(1)
  expect((await get({ sizeBytes: 10, failAt: 0 }, DIGEST)).granted).toEqual([])
})

test('a file has no digest, and without a known size no length', async () => {
  const { headers, body } = await get({}, undefined, { range: 'bytes=3-' })
  expect(await body).toBe('0123456789')
  expect(headers).toMatchObject({ 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' })
  expect(headers['docker-content-digest']).toBeUndefined()
  expect(headers.etag).toBeUndefined()
})

test('no header goes out before the first byte is there', async () => {
  expect((await get({ sizeBytes: 10, failAt: 0 }, DIGEST)).status).toBe(599)
})

test('what fails later is cut off', async () => {
  const { status, body } = await get({ sizeBytes: 10, failAt: 5 }, DIGEST)
  expect(status).toBe(200)
  await expect(body).rejects.toThrow()
})

test('empty content is whole, also when a range is asked for', async () => {
  const { status, headers, body } = await get({ sizeBytes: 0 }, DIGEST, { range: 'bytes=0-' })
  expect([status, headers['content-length'], await body]).toEqual([200, '0', ''])
})
