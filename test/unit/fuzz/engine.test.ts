import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { DamselflyError } from '../../../protocol/errors.ts'
import { createRandom } from '../../../supernode/scheduler/random.ts'
import { Corpus } from '../../fuzz/engine/corpus.ts'
import { CurrentInput } from '../../fuzz/engine/current-input.ts'
import { refusing } from '../../fuzz/engine/expected.ts'
import { failureOf } from '../../fuzz/engine/failure.ts'
import { minimise } from '../../fuzz/engine/minimise.ts'
import { inPieces } from '../../fuzz/engine/pieces.ts'
import { growthOf } from '../../fuzz/engine/supervise.ts'
import { pureTarget } from '../../fuzz/engine/target.ts'
import { checkResponses } from '../../fuzz/targets/http-server.ts'

const target = pureTarget(
  { name: 'nothing', about: 'a test', maxBytes: 64, dictionary: ['word'], seeds: () => [Buffer.from('abc 12')] },
  () => {},
)

function inputsOf(seed: number): string[] {
  const corpus = new Corpus(target, createRandom(seed))
  return Array.from({ length: 500 }, () => Buffer.from(corpus.next()).toString('latin1'))
}

describe('inputs', () => {
  test('are the same for the same seed, and others for another', () => {
    expect(inputsOf(7)).toEqual(inputsOf(7))
    expect(inputsOf(8)).not.toEqual(inputsOf(7))
  })

  test('begin with what is known, and are never longer than the target takes', () => {
    const inputs = inputsOf(1)
    expect(inputs[0]).toBe('abc 12')
    expect(inputs.every(input => input.length <= target.maxBytes)).toBe(true)
    expect(inputs.some(input => input.includes('word'))).toBe(true)
    expect(new Set(inputs).size).toBeGreaterThan(250)
  })

  test('are cut in one way only', () => {
    const input = Uint8Array.from({ length: 200 }, (_, at) => at)
    expect(inPieces(input)).toEqual(inPieces(input))
    expect(Buffer.concat(inPieces(input))).toEqual(Buffer.from(input))
  })
})

test('an input that fails is made small', async () => {
  const input = Buffer.from(`${'x'.repeat(300)}<bad>${'y'.repeat(300)}`)
  const fails = async (candidate: Uint8Array) => Buffer.from(candidate).includes('<b')
  expect(Buffer.from(await minimise(input, fails)).toString()).toBe('<b')
})

test('failures of one kind have one signature', () => {
  const input = new Uint8Array(0)
  const made = [1, 2].map(number => failureOf(Object.assign(new TypeError(`bad "${number}"`), { stack: '' }), input))
  expect(made[0]?.signature).toBe(made[1]?.signature)
  expect(failureOf('text', input)).toMatchObject({ kind: 'threw' })
})

test.each([
  ['heap', { heap: 20, rss: 20 }, { heap: 10, rss: 10 }, true],
  ['rss', { heap: 0, rss: 200 }, { heap: 0, rss: 100 }, true],
  ['memory that is taken once', { heap: 0, rss: 200 }, { heap: 0, rss: 5 }, false],
  ['what is allowed', { heap: 5, rss: 100 }, { heap: 5, rss: 100 }, false],
] as const)('a leak is what grows too far and goes on: %s', (_, grown, grownLate, isLeak) => {
  expect(growthOf({}, { grown, grownLate }) !== undefined).toBe(isLeak)
})

test('only the codes that are named are a refusal', () => {
  const refuse = () => {
    throw new DamselflyError('REQUEST_INVALID')
  }
  expect(refusing(['REQUEST_INVALID'], refuse)).toBeUndefined()
  expect(() => refusing(['CONFIG_INVALID'], refuse)).toThrow('malformed')
})

test('the input that is being taken is seen from elsewhere', async () => {
  const current = new CurrentInput({ maxBytes: 10 })
  const watcher = new CurrentInput(current.memory)
  current.begin(Uint8Array.of(1, 2, 3))
  await wait(0)
  expect(watcher.turn % 2).toBe(1)
  expect(watcher.read()).toEqual(Uint8Array.of(1, 2, 3))
  current.end()
  expect(watcher.turn % 2).toBe(0)
})

describe('answers of servers', () => {
  test.each([
    '',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n',
  ])('well-formed: %j', text => {
    expect(() => checkResponses(text)).not.toThrow()
  })

  test.each([
    'nonsense',
    'HTTP/1.1 500 Internal Server Error\r\n\r\n',
    'HTTP/1.1 200 OK\r\nbad header\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokmore',
  ])('not well-formed: %j', text => {
    expect(() => checkResponses(text)).toThrow()
  })
})
