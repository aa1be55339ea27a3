import { EventEmitter } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { CommanderError } from 'commander'
import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../../../dfget/cli/exit-code.ts'
import { failureText } from '../../../dfget/cli/failure-text.ts'
import { InterruptedError, listenForInterruption } from '../../../dfget/cli/interruption.ts'
import { createStreamOutput } from '../../../dfget/cli/output/stream-output.ts'
import { UnfinishedError } from '../../../dfget/cli/unfinished-error.ts'
import { OriginError } from '../../../lib/origin/origin-error.ts'
import { DamselflyError } from '../../../protocol/errors.ts'

const notFound = new OriginError('BLOB_UNKNOWN', 'host answered 404', { originStatus: 404 })
const coded = (code: string) => Object.assign(new Error(code), { code })
const unfinished = (cause: unknown) => new UnfinishedError(cause, { storedBytes: 2048, place: 'in /var/cache/x' })

describe('exit codes', () => {
  test.each([
    [notFound, 22],
    [new OriginError('UNAUTHORIZED', 'host answered 401', { originStatus: 401 }), 22],
    [new OriginError('ORIGIN_FAILED', 'host answered 503', { originStatus: 503 }), 22],
    [new OriginError('BLOB_UNKNOWN', '/file does not exist'), 22],
    [new DamselflyError('DENIED'), 22],
    [new OriginError('RANGE_INVALID', 'host answered 416', { originStatus: 416 }), 33],
    [new OriginError('ORIGIN_FAILED', 'host answered 200 with other content', { originStatus: 200 }), 18],
    [new OriginError('ORIGIN_FAILED', 'host sent more than it announced'), 18],
    [new OriginError('ORIGIN_FAILED', 'host sent nothing', {}, { cause: coded('UND_ERR_BODY_TIMEOUT') }), 28],
    [new DamselflyError('ORIGIN_UNREACHABLE', 'host', { cause: coded('ECONNREFUSED') }), 7],
    [new DamselflyError('ORIGIN_UNREACHABLE', 'host', { cause: new AggregateError([coded('ENOTFOUND')]) }), 6],
    [new DamselflyError('ORIGIN_UNREACHABLE', 'host', { cause: coded('EAI_AGAIN') }), 6],
    [new DamselflyError('ORIGIN_UNREACHABLE', 'host', { cause: coded('UND_ERR_CONNECT_TIMEOUT') }), 28],
    [new DamselflyError('ORIGIN_UNREACHABLE', 'host', { cause: coded('DEPTH_ZERO_SELF_SIGNED_CERT') }), 60],
    [new DamselflyError('ORIGIN_UNREACHABLE', 'host', { cause: coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE') }), 60],
    [new DamselflyError('OUTPUT_FAILED'), 23],
    [new DamselflyError('STORE_FULL'), 23],
    [new DamselflyError('INPUT_FAILED'), 26],
    [new DamselflyError('TASK_UNKNOWN'), 22],
    [new DamselflyError('SUPERNODE_UNREACHABLE'), 7],
    [new DamselflyError('CONTENT_CORRUPT'), 65],
    [new DamselflyError('INTERNAL'), 1],
    [new TypeError('bug'), 1],
    ['text', 1],
    [new DamselflyError('CONFIG_INVALID'), 2],
    [new DamselflyError('REQUEST_INVALID'), 2],
    [new DamselflyError('DIGEST_INVALID'), 2],
    [new CommanderError(1, 'commander.unknownOption', ''), 2],
    [new CommanderError(0, 'commander.helpDisplayed', ''), 0],
    [new InterruptedError(), 130],
    [unfinished(new InterruptedError()), 130],
    [unfinished(notFound), 22],
  ])('%s ends with %d', (thrown, code) => expect(exitCodeOf(thrown)).toBe(code))
})

describe('what is said', () => {
  test.each([
    [notFound, 'host answered 404: it has no such file; check the URL'],
    [new OriginError('ORIGIN_FAILED', 'host answered 503', { originStatus: 503 }), /503: .*try again later$/],
    [new OriginError('ORIGIN_FAILED', 'host answered 418', { originStatus: 418 }), 'host answered 418: check the URL'],
    [new DamselflyError('ORIGIN_UNREACHABLE', 'host: connection refused'), /host: connection refused; check the URL/],
    [
      unfinished(new InterruptedError()),
      /^interrupted; 2\.0 KiB of .* kept in \/var\/cache\/x, the same command resumes$/,
    ],
    [new DamselflyError('ORIGIN_FAILED', 'a\x1b[2J\nb'), /: a\?\[2J\?b$/],
    ['text', 'text'],
  ])('of %s', (thrown, text) => {
    if (typeof text === 'string') expect(failureText(thrown)).toBe(text)
    else expect(failureText(thrown)).toMatch(text)
  })

  test('of a bug keeps the stack, of the parser is nothing more', () => {
    expect(failureText(new TypeError('bug'))).toMatch(/^TypeError: bug\n\s+at /)
    expect(failureText(new CommanderError(1, 'x', 'y'))).toBeUndefined()
  })
})

test('the first signal interrupts, and no listener is left for the second', () => {
  const emitter = new EventEmitter()
  const { signal } = listenForInterruption(emitter)
  expect(emitter.listenerCount('SIGINT')).toBe(1)
  emitter.emit('SIGTERM')
  expect(signal.reason).toBeInstanceOf(InterruptedError)
  expect(emitter.eventNames()).toEqual([])
})

describe('standard output', () => {
  const never = new AbortController().signal

  test('is written as slowly as it is read', async () => {
    const stream = new PassThrough({ highWaterMark: 4 })
    const output = createStreamOutput(stream, { signal: never })
    let written = false
    const writing = output.write(Buffer.from('12345678')).then(() => {
      written = true
    })
    await new Promise(resolve => setImmediate(resolve))
    expect(written).toBe(false)
    expect(stream.read().toString()).toBe('12345678')
    await writing
  })

  test('that is closed by its reader ends the download, also while it waits', async () => {
    const broken = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    const stream = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => setImmediate(done, broken) })
    const output = createStreamOutput(stream, { signal: never })
    await expect(output.write(Buffer.from('1234'))).rejects.toThrow('standard output: its reader has closed it')
    await expect(output.write(Buffer.from('5'))).rejects.toThrow('its reader has closed it')
  })

  test('that nobody reads does not hold up an interruption', async () => {
    const controller = new AbortController()
    const stream = new Writable({ highWaterMark: 1, write() {} })
    const writing = createStreamOutput(stream, { signal: controller.signal }).write(Buffer.from('1234'))
    controller.abort(new InterruptedError())
    await expect(writing).rejects.toThrow(InterruptedError)
  })
})
