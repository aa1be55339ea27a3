import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { type Children, createChildren } from '../../../bench/measure/children.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'

const ANSWER_PARENT = new URL('../../../bench/measure/answer-parent.ts', import.meta.url)
const TIMEOUT_MS = 20_000
const PROGRAM = `
import { answerParent } from '${ANSWER_PARENT}'
answerParent({
  double: number => number * 2,
  nothing() {},
  fail() { throw new Error('no such thing') },
  wait: () => new Promise(() => {}),
})
`

let module: URL
let children: Children
let interrupt: AbortController

beforeEach(async () => {
  const stack = new AsyncDisposableStack()
  onTestFinished(() => stack.disposeAsync())
  const path = join(stack.use(await createScratchDirectory()).path, 'program.ts')
  await writeFile(path, PROGRAM)
  module = pathToFileURL(path)
  interrupt = new AbortController()
  children = stack.use(createChildren(interrupt))
})

test('a child answers one question after the other', async () => {
  const child = await children.start('the child', module)
  expect(await child.ask('double', { argument: 21, timeoutMs: TIMEOUT_MS })).toBe(42)
  expect(await child.ask('nothing', { timeoutMs: TIMEOUT_MS })).toBeUndefined()
  expect(await child.ask('double', { argument: 4, timeoutMs: TIMEOUT_MS })).toBe(8)
})

test('a child that fails is named, with the end of its stderr, to whoever waits for any of them', async () => {
  const failing = await children.start('the first', module)
  const waiting = await children.start('the second', module)
  const waits = waiting.ask('wait', { timeoutMs: TIMEOUT_MS })
  const expected = {
    code: 'PROGRAM_FAILED',
    message: expect.stringMatching(/the first ended with exit code 1\n.*no such thing/s),
  }
  const seen = expect(waits).rejects.toMatchObject(expected)
  await expect(failing.ask('fail', { timeoutMs: TIMEOUT_MS })).rejects.toMatchObject(expected)
  await seen
  await expect(children.start('the third', module)).rejects.toMatchObject(expected)
})

test('a child that does not answer in time is named', async () => {
  const child = await children.start('the child', module)
  await expect(child.ask('wait', { timeoutMs: 50 })).rejects.toMatchObject({
    code: 'PROGRAM_FAILED',
    message: expect.stringContaining('the child did not answer "wait" in 50 ms'),
  })
})

test('the signal ends the wait for an answer, and disposing ends the child', async () => {
  const child = await children.start('the child', module)
  await child.ask('nothing', { timeoutMs: TIMEOUT_MS })
  const waits = child.ask('wait', { timeoutMs: TIMEOUT_MS })
  interrupt.abort(new Error('enough'))
  await expect(waits).rejects.toThrow('enough')
  await children[Symbol.asyncDispose]()
  expect(() => process.kill(child.pid, 0)).toThrow('ESRCH')
})
