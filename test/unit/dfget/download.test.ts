import { expect, test } from 'vitest'
import { Download } from '../../../dfget/cli/download.ts'
import { emptyAccount } from '../../../dfget/peer/task/account.ts'
import { type Digest, digestOf } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'

const CONTENT = Buffer.from('one two three')
const SHA256 = digestOf(CONTENT)
const SHA512 = digestOf(CONTENT, 'sha512')
const OTHER = digestOf(Buffer.from('other'), 'sha512')

/** Downloads content that a peer hands out in two pieces, in the same memory as peers do, and then fails if told to. */
async function download(digests: Digest[], fields: { sizeBytes?: number | undefined; failure?: Error } = {}) {
  const written: Buffer[] = []
  const peer = {
    open: async () => ({
      taskId: undefined,
      sizeBytes: CONTENT.length,
      contentType: undefined,
      account: emptyAccount(),
      here: emptyAccount,
      settled: async () => true,
      async *read() {
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
  const output = { name: 'file', write: async (bytes: Uint8Array) => void written.push(Buffer.from(bytes)) }
  const source = { url: 'http://host/file', headers: {}, digest: digests[0] }
  const running = new Download({ peer, output }, { source, digests, suggestedName: 'file' })
  const digest = await running.run({ signal: new AbortController().signal })
  return { digest, text: Buffer.concat(written).toString(), doneBytes: running.doneBytes }
}

test('content is copied in order, and named by its sha256 unless another digest was asked for', async () => {
  const copied = { text: 'one two three', doneBytes: CONTENT.length }
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
