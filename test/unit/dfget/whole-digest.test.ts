import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { WholeDigest } from '../../../dfget/peer/task/whole-digest.ts'
import { ownBuffer } from '../../../lib/blocks/block-buffers.ts'
import type { Hasher } from '../../../lib/hashing/hasher.ts'
import { createInlineHasher } from '../../../lib/hashing/inline-hasher.ts'
import { digestOf } from '../../../protocol/digest.ts'

const BLOCKS = ['one', 'two', 'three'].map(text => Buffer.from(text))
const DIGEST = digestOf(Buffer.concat(BLOCKS))
const read = (block: number) => {
  const bytes = BLOCKS[block]
  return bytes && Promise.resolve(ownBuffer(bytes))
}

test('content is hashed in its order, as far as it is here', async () => {
  const whole = new WholeDigest(createInlineHasher(), DIGEST)
  await whole.advance(block => (block < 2 ? read(block) : undefined))
  expect(whole.hashed).toBe(2)
  await whole.advance(read)
  expect(whole.hashed).toBe(3)
  expect(await whole.digest()).toBe(DIGEST)
})

test('hashing that breaks while the next block is being read ends the computation, and nothing else', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const broken = new Error('hashing was stopped')
  const hasher: Hasher = {
    ...createInlineHasher(),
    digester: () => ({ update: () => Promise.reject(broken), digest: () => Promise.reject(broken), abandon() {} }),
  }
  const reading = Promise.withResolvers<void>()
  const whole = new WholeDigest(hasher, DIGEST)
  const second = reading.promise.then(() => ownBuffer(new Uint8Array(1)))
  const advancing = whole.advance(block => [read(0), second][block])
  const refused = expect(advancing).rejects.toBe(broken)
  await wait(20)
  const beforeTheRead = unhandled.length
  whole.abandon()
  reading.resolve()
  await refused
  expect(beforeTheRead).toBe(0)
})
