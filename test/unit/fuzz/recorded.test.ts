import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isRecorded, readRecorded } from '../../fuzz/recorded.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../helpers/scratch-directory.ts'

let scratch: ScratchDirectory
let file: string
beforeEach(async () => {
  scratch = await createScratchDirectory()
  file = join(scratch.path, 'fuzz.jsonl')
})
afterEach(() => scratch[Symbol.asyncDispose]())

const line = (target: string, inputs: number, failures = 0) => `${JSON.stringify({ target, inputs, failures })}\n`

test('the newest line of a target is its recorded run', async () => {
  await writeFile(file, line('url', 1_000) + line('range', 9) + line('url', 50))
  const recorded = readRecorded(file)
  expect(recorded.get('url')?.inputs).toBe(50)
  expect([isRecorded(recorded.get('url'), 50), isRecorded(recorded.get('url'), 51)]).toEqual([true, false])
  expect(isRecorded(recorded.get('authority'), 1)).toBe(false)
})

test('a run that found something is to be made again', async () => {
  await writeFile(file, line('url', 1_000, 1))
  expect(isRecorded(readRecorded(file).get('url'), 10)).toBe(false)
})

test('nothing is recorded where there is no file, and a line that is none is told', async () => {
  expect(readRecorded(file).size).toBe(0)
  await writeFile(file, `${line('url', 1)}{"target":\n`)
  expect(() => readRecorded(file)).toThrow(`${file}:2 is no JSON`)
})
