import { describe, expect, test } from 'vitest'
import { emptyAccount } from '../../../dfget/peer/task/account.ts'
import { inlineContent, isSmall, readSmallContent } from '../../../dfget/peer/task/small-content.ts'
import { heldContent } from '../../../dfget/peer/task/task-content.ts'
import type { ResumableRead } from '../../../lib/origin/read-resumable.ts'
import { digestOf } from '../../../protocol/digest.ts'
import type { RegistrationAnswer } from '../../../protocol/messages/registration.ts'
import { SMALL_CONTENT_BYTES } from '../../../protocol/small-content.ts'

const BYTES = Buffer.from('one two three')
const answerWith = (content: string | undefined) =>
  ({ contentType: 'text/plain', ...(content === undefined ? {} : { content }) }) as RegistrationAnswer

describe('content that comes with a registration', () => {
  const answer = answerWith(BYTES.toString('base64'))

  test('is taken when it is what its digest says, or nobody said one', () => {
    for (const digest of [undefined, digestOf(BYTES), digestOf(BYTES, 'sha512')]) {
      const content = inlineContent(answer, digest)
      expect(content?.bytes).toEqual(BYTES)
      expect(content).toMatchObject({ contentType: 'text/plain', account: { supernodeBytes: BYTES.length } })
    }
    expect(inlineContent(answerWith(''), undefined)?.bytes).toHaveLength(0)
  })

  test('is left when it is something else, or there is none, so that the swarm is asked', () => {
    const other = Buffer.from('other')
    expect(inlineContent(answer, digestOf(other))).toBeUndefined()
    expect(inlineContent(answer, digestOf(other, 'sha512'))).toBeUndefined()
    expect(inlineContent(answerWith(undefined), digestOf(BYTES))).toBeUndefined()
  })
})

describe('small content of an origin', () => {
  function readOf(chunks: readonly string[], sizeBytes: number | undefined): ResumableRead {
    async function* body() {
      for (const chunk of chunks) yield Buffer.from(chunk)
    }
    return { sizeBytes, contentType: 'text/plain', validator: undefined, body: body() }
  }

  test('is told by its length, if that is told', () => {
    expect(isSmall(readOf([], 0))).toBe(true)
    expect(isSmall(readOf([], SMALL_CONTENT_BYTES))).toBe(true)
    expect(isSmall(readOf([], SMALL_CONTENT_BYTES + 1))).toBe(false)
    expect(isSmall(readOf([], undefined))).toBe(false)
  })

  test('is read whole, with the reason why it came from there', async () => {
    const content = await readSmallContent(readOf(['one ', 'two'], 7), { why: 'no-supernode' })
    expect(Buffer.from(content.bytes).toString()).toBe('one two')
    expect(content.account).toMatchObject({ originBytes: 7, originReasons: [{ why: 'no-supernode' }] })
  })

  test('that is longer than announced is refused', async () => {
    await expect(readSmallContent(readOf(['one ', 'two'], 5), { why: 'no-supernode' })).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
    })
  })
})

test('a part of it can be read', async () => {
  const content = inlineContent(answerWith(BYTES.toString('base64')), undefined)
  if (content === undefined) throw new Error('there is no content')
  const held = heldContent(content)
  expect(held).toMatchObject({ taskId: undefined, sizeBytes: BYTES.length, contentType: 'text/plain' })
  const read = async (start: number, end?: number) => {
    const account = emptyAccount()
    const pieces: Uint8Array[] = []
    const options = { signal: new AbortController().signal, account }
    for await (const piece of held.read({ start, end }, options)) pieces.push(piece)
    return [Buffer.concat(pieces).toString(), account.supernodeBytes]
  }
  expect(await read(0)).toEqual(['one two three', 13])
  expect(await read(4, 7)).toEqual(['two', 3])
  expect(await read(13)).toEqual(['', 0])
  expect(held.here({ start: 4 })).toMatchObject({ supernodeBytes: 9 })
})
