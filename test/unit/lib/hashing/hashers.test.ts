import { readdir } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Hasher } from '../../../../lib/hashing/hasher.ts'
import { createInlineHasher } from '../../../../lib/hashing/inline-hasher.ts'
import { createThreadHasher } from '../../../../lib/hashing/thread-hasher.ts'
import { blockDigestOf } from '../../../../protocol/block-map.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { seededBytes } from '../../../helpers/blob.ts'
import { waitFor } from '../../../helpers/wait.ts'

const LARGE = 300 * 1024

/** As blocks are, and as nothing else is. */
function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

function running(hasher: Hasher): Hasher {
  onTestFinished(() => hasher.stop())
  return hasher
}

describe.each([
  ['inline', createInlineHasher],
  ['on threads', createThreadHasher],
  ['on threads that rest at once', () => createThreadHasher({ restAfterMs: 0 })],
])('hashing %s', (_name, create) => {
  test.each([0, 1, LARGE])('a block of %d bytes', async length => {
    const hasher = running(create())
    const bytes = seededBytes(length)
    expect(await hasher.blockDigest(bytes)).toEqual(blockDigestOf(bytes))
    expect(await hasher.blockDigest(shared(bytes))).toEqual(blockDigestOf(bytes))
  })

  test.each(['sha256', 'sha512'] as const)('content in pieces by %s', async algorithm => {
    const hasher = running(create())
    for (const lengths of [[], [10], [LARGE, LARGE, 10], [10, LARGE]]) {
      const pieces = lengths.map((length, at) => seededBytes(length, `${at}`))
      const digester = hasher.digester(algorithm)
      for (const [at, piece] of pieces.entries()) await digester.update(at === 1 ? piece : shared(piece))
      expect(await digester.digest()).toBe(digestOf(Buffer.concat(pieces), algorithm))
    }
  })

  test('several contents at the same time', async () => {
    const hasher = running(create())
    const contents = Array.from({ length: 5 }, (_, at) => seededBytes(3 * LARGE, `${at}`))
    const digests = contents.map(async content => {
      const digester = hasher.digester('sha256')
      for (let at = 0; at < content.length; at += LARGE) await digester.update(shared(content.subarray(at, at + LARGE)))
      return digester.digest()
    })
    expect(await Promise.all(digests)).toEqual(contents.map(content => digestOf(content)))
  })

  test('what is abandoned does not disturb what is not', async () => {
    const hasher = running(create())
    const bytes = seededBytes(LARGE)
    const [first, second] = [hasher.digester('sha256'), hasher.digester('sha256')]
    await Promise.all([first.update(shared(bytes)), second.update(shared(bytes))])
    first.abandon()
    expect(await second.digest()).toBe(digestOf(bytes))
  })
})

test('the pieces of a content need not wait for each other, nor behind blocks that came before', async () => {
  const hasher = running(createThreadHasher())
  const pieces = Array.from({ length: 3 }, (_, at) => seededBytes(LARGE, `${at}`))
  const done: string[] = []
  const note = (what: string) => () => void done.push(what)
  const blocks = Array.from({ length: 40 }, () => hasher.blockDigest(shared(seededBytes(LARGE))).then(note('block')))
  const digester = hasher.digester('sha256')
  const updates = pieces.map(piece => digester.update(shared(piece)).then(note('piece')))
  expect(await digester.digest()).toBe(digestOf(Buffer.concat(pieces)))
  await Promise.all([...blocks, ...updates])
  // Some were with a thread already.
  expect(done.lastIndexOf('piece')).toBeLessThan(10)
  expect(done).toHaveLength(43)
})

test('what waits when hashing is stopped is refused, and what comes later is hashed', async () => {
  const hasher = running(createThreadHasher())
  const bytes = shared(seededBytes(LARGE))
  const digester = hasher.digester('sha256')
  await digester.update(bytes)
  const waiting = hasher.blockDigest(bytes)
  const refused = expect(waiting).rejects.toThrow('hashing was stopped')
  await hasher.stop()
  await refused
  expect(await hasher.blockDigest(bytes)).toEqual(blockDigestOf(bytes))
})

test('a digest whose beginning was forgotten with its thread is refused', async () => {
  const hasher = running(createThreadHasher())
  const bytes = shared(seededBytes(LARGE))
  const digester = hasher.digester('sha256')
  await digester.update(bytes)
  await hasher.stop()
  await hasher.blockDigest(bytes)
  await expect(digester.update(bytes)).rejects.toThrow('the hash thread has broken')
  await expect(digester.digest()).rejects.toThrow('the hash thread has broken')
})

test('a thread that has nothing to do ends, but not while it knows the beginning of a digest', async () => {
  const hasher = running(createThreadHasher({ restAfterMs: 0 }))
  // One that is idle keeps no program alive, and so is not among Node's active resources.
  const threads = async () => (await readdir('/proc/self/task')).length
  const before = await threads()
  const bytes = shared(seededBytes(LARGE))
  const digester = hasher.digester('sha256')
  await digester.update(bytes)
  await hasher.blockDigest(bytes)
  expect(await threads()).toBeGreaterThan(before)
  await nextTurn()
  expect(await digester.digest()).toBe(digestOf(bytes))
  await waitFor(async () => (await threads()) <= before, { timeoutMs: 5_000, what: 'the end of the thread' })
  expect(await hasher.blockDigest(bytes)).toEqual(blockDigestOf(bytes))
})
