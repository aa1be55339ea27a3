import { expect, test } from 'vitest'
import { verifiedBody } from '../../../../lib/origin/verified-body.ts'
import { digestOf } from '../../../../protocol/digest.ts'

const CHUNKS = ['one ', 'two ', 'three'].map(text => Buffer.from(text))

async function* bodyOf(chunks: readonly Uint8Array[]) {
  yield* chunks
}

async function read(chunks: readonly Uint8Array[], digest = digestOf(Buffer.concat(CHUNKS))) {
  const got: Uint8Array[] = []
  let code: string | undefined
  try {
    for await (const chunk of verifiedBody(bodyOf(chunks), digest)) got.push(chunk)
  } catch (error) {
    code = (error as { code: string }).code
  }
  return { text: Buffer.concat(got).toString(), code }
}

test('right content comes whole', async () => {
  expect(await read(CHUNKS)).toEqual({ text: 'one two three', code: undefined })
  expect(await read(CHUNKS, digestOf(Buffer.concat(CHUNKS), 'sha512'))).toEqual({
    text: 'one two three',
    code: undefined,
  })
  expect(await read([], digestOf(new Uint8Array()))).toEqual({ text: '', code: undefined })
})

test.each([
  ['a chunk is wrong', [CHUNKS[0], CHUNKS[1], Buffer.from('threE')], 'one two '],
  ['it is too short', CHUNKS.slice(0, 2), 'one '],
  ['it is too long', [...CHUNKS, Buffer.from('!')], 'one two three'],
  ['it is empty', [], ''],
] as [string, Buffer[], string][])('its end is kept back when %s', async (_what, chunks, text) => {
  expect(await read(chunks)).toEqual({ text, code: 'CONTENT_CORRUPT' })
})
