import { expect, test } from 'vitest'
import { Download, type DownloadComponents } from '../../../dfget/cli/download.ts'
import { emptyAccount } from '../../../dfget/peer/task/account.ts'
import type { TaskContent } from '../../../dfget/peer/task/task-content.ts'
import { type Digest, digestOf } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { type TaskId, taskIdOfDigest } from '../../../protocol/task.ts'

const CONTENT = Buffer.from('one two three')
const SHA256 = digestOf(CONTENT)
const SHA512 = digestOf(CONTENT, 'sha512')
const URL_TASK = `url:${'1'.repeat(64)}` as TaskId
const OTHER = digestOf(Buffer.from('other'), 'sha512')

interface Store {
  share(...asked: unknown[]): boolean
}

/** Downloads content that a peer hands out in two pieces, in the same memory as peers do, and then fails if told to. */
async function download(digests: Digest[], fields: Partial<TaskContent> & { failure?: Error } = {}, store?: Store) {
  const written: Buffer[] = []
  const reads: unknown[] = []
  const peer = {
    open: async () => ({
      taskId: undefined,
      sizeBytes: CONTENT.length,
      contentType: undefined,
      account: emptyAccount(),
      here: emptyAccount,
      settled: async () => undefined,
      async *read(...read: Parameters<TaskContent['read']>) {
        reads.push(read)
        const memory = Buffer.alloc(CONTENT.length)
        for (const piece of [CONTENT.subarray(0, 4), CONTENT.subarray(4)]) {
          piece.copy(memory)
          yield memory.subarray(0, piece.length)
        }
        if (fields.failure !== undefined) throw fields.failure
      },
      ...fields,
    }),
  }
  const output = {
    name: 'file',
    begun: undefined,
    write: async (bytes: Uint8Array) => void written.push(Buffer.from(bytes)),
    replace: async (place: (path: string) => Promise<boolean>) =>
      (await place('/file.part')) ? CONTENT.length : undefined,
  }
  const source = { url: 'http://host/file', headers: {}, digest: digests[0] }
  const share = store && (async (...asked: unknown[]) => store.share(...asked))
  const components: DownloadComponents = { contents: peer, output, sharing: async () => share }
  const running = new Download(components, { source, digests, suggestedName: 'file' })
  const digest = await running.run({ signal: new AbortController().signal })
  return { digest, text: Buffer.concat(written).toString(), doneBytes: running.doneBytes, reads: reads.length }
}

test('content is copied in order, and named by its sha256 unless another digest was asked for', async () => {
  const copied = { text: 'one two three', doneBytes: CONTENT.length, reads: 1 }
  expect(await download([])).toEqual({ ...copied, digest: SHA256 })
  expect(await download([SHA512])).toEqual({ ...copied, digest: SHA512 })
  expect(await download([SHA256, SHA512], { sizeBytes: undefined })).toEqual({ ...copied, digest: SHA256 })
})

test('every digest that was asked for must hold', async () => {
  await expect(download([OTHER])).rejects.toThrow(`expected ${OTHER}, got ${SHA512}`)
  await expect(download([SHA256, OTHER])).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' })
})

test('corrupt content that the peer finds is told with what was expected; other failures stay as they are', async () => {
  const failure = new DamselflyError('CONTENT_CORRUPT')
  await expect(download([SHA256], { failure })).rejects.toThrow(`expected ${SHA256}, got something else`)
  const unreachable = new DamselflyError('ORIGIN_UNREACHABLE')
  await expect(download([SHA256], { failure: unreachable })).rejects.toBe(unreachable)
})

test('content that ends early is no content', async () => {
  await expect(download([], { sizeBytes: CONTENT.length + 1 })).rejects.toThrow('13 of 14 bytes came')
})

test('what the store shares is not written, and not read where its task was named by the digest', async () => {
  const asked: unknown[] = []
  const share = (...args: unknown[]) => asked.push(args) > 0
  const taskId = taskIdOfDigest(SHA256)
  const shared = { text: '', doneBytes: CONTENT.length }
  expect(await download([SHA256], { taskId }, { share })).toEqual({ ...shared, digest: SHA256, reads: 0 })
  expect(asked).toEqual([[taskId, '/file.part']])
  expect(await download([SHA256, SHA512], { taskId }, { share })).toMatchObject({ ...shared, reads: 1 })
  expect(await download([], { taskId: URL_TASK }, { share })).toMatchObject({ ...shared, digest: SHA256, reads: 1 })
  await expect(download([OTHER], { taskId: URL_TASK }, { share })).rejects.toThrow(`expected ${OTHER}, got ${SHA512}`)
})

test.for<[string, Partial<TaskContent>, Store]>([
  ['passes through', { taskId: undefined }, { share: () => true }],
  ['does not come together in the store', { settled: async () => new Error('no room') }, { share: () => true }],
  ['cannot be shared after all', {}, { share: () => false }],
])('content that %s is copied', async ([, fields, store]) => {
  const content = { taskId: taskIdOfDigest(SHA256), ...fields }
  expect(await download([SHA256], content, store)).toMatchObject({ text: 'one two three', digest: SHA256, reads: 1 })
})

test('content of which a part came from the origin past the store is copied', async () => {
  const content: Partial<TaskContent> = {
    taskId: URL_TASK,
    async *read(_range, { account }) {
      account?.originReasons.push({ why: 'download-failed' })
      yield CONTENT
    },
  }
  expect(await download([], content, { share: () => true })).toMatchObject({ text: 'one two three', digest: SHA256 })
})
