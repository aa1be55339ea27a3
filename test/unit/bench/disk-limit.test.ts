import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { measureDiskLimit } from '../../../bench/transfer/disk-limit.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'

let directory: string

beforeEach(async () => {
  const scratch = await createScratchDirectory()
  onTestFinished(() => scratch[Symbol.asyncDispose]())
  directory = scratch.path
})

test.each([
  [10_000, 4_096],
  [8_192, 4_096],
  [100, 4_096],
])('%d bytes are written in pieces of %d', async (sizeBytes, writeBytes) => {
  const { signal } = new AbortController()
  const { elapsedMs, syncMs } = await measureDiskLimit(directory, { sizeBytes, writeBytes }, { signal })
  expect(elapsedMs).toBeGreaterThan(0)
  expect(syncMs).toBeGreaterThan(0)
  expect((await stat(join(directory, 'written'))).size).toBe(sizeBytes)
})

test('the signal ends the writing', async () => {
  const signal = AbortSignal.abort(new Error('enough'))
  const written = measureDiskLimit(directory, { sizeBytes: 4_096, writeBytes: 4_096 }, { signal })
  await expect(written).rejects.toThrow('enough')
})
