import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { createStoreDirectory } from '../../../bench/loopback/store-directory.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'

let parent: string

beforeEach(async () => {
  const scratch = await createScratchDirectory()
  onTestFinished(() => scratch[Symbol.asyncDispose]())
  parent = scratch.path
})

test('it lies in the directory that was named, and goes when disposed of', async () => {
  const listeners = process.listenerCount('exit')
  const store = await createStoreDirectory(parent, { neededBytes: 1 })
  expect(dirname(store.path)).toBe(parent)
  expect(existsSync(store.path)).toBe(true)
  await store[Symbol.asyncDispose]()
  expect(existsSync(store.path)).toBe(false)
  expect(process.listenerCount('exit')).toBe(listeners)
})

test('a directory that does not exist is refused by name', async () => {
  const missing = join(parent, 'missing')
  await expect(createStoreDirectory(missing, { neededBytes: 1 })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(`nothing can be stored in ${missing}: ENOENT`),
  })
})

test('a directory in which nothing can be made is refused by name', async () => {
  await expect(createStoreDirectory('/proc', { neededBytes: 0 })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('nothing can be stored in /proc: '),
  })
})

test('a directory without room is refused with what is missing', async () => {
  await expect(createStoreDirectory(parent, { neededBytes: 2 ** 60 })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/ of room, and .* are needed; make room, or choose a smaller size$/),
  })
})
