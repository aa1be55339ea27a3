import { expect, test } from 'vitest'
import { InterruptedError } from '../../../dfget/cli/interruption.ts'
import { OtherFileError } from '../../../dfget/cli/other-file-error.ts'
import { pauseBeforeRetry } from '../../../dfget/cli/retry.ts'
import { OriginError } from '../../../lib/origin/origin-error.ts'
import { DamselflyError, type ErrorCode } from '../../../protocol/errors.ts'

const NOW = Date.UTC(2026, 0, 1)
const pauseOf = (error: unknown, tries = 1) => pauseBeforeRetry(error, tries, NOW)

const answer = (originStatus: number, code: ErrorCode = 'ORIGIN_FAILED', retryAfter?: string) =>
  new OriginError(code, `host answered ${originStatus}`, {
    originStatus,
    ...(retryAfter === undefined ? {} : { originHeaders: { 'retry-after': retryAfter } }),
  })
const unreachable = (code: string) =>
  new DamselflyError('ORIGIN_UNREACHABLE', 'host', { cause: Object.assign(new Error(code), { code }) })

test.each([
  answer(408),
  answer(429, 'TOOMANYREQUESTS'),
  answer(500),
  answer(503),
  answer(200),
  new OriginError('ORIGIN_FAILED', 'host closed early'),
  unreachable('ECONNREFUSED'),
  unreachable('UND_ERR_HEADERS_TIMEOUT'),
  // The swarm may have it by then.
  new DamselflyError('BACK_TO_SOURCE_DISABLED'),
])('%s may pass', error => expect(pauseOf(error)).toBe(1_000))

test.each([
  answer(400),
  answer(401, 'UNAUTHORIZED'),
  answer(403, 'DENIED'),
  answer(404, 'BLOB_UNKNOWN'),
  answer(410, 'BLOB_UNKNOWN'),
  answer(416, 'RANGE_INVALID'),
  unreachable('DEPTH_ZERO_SELF_SIGNED_CERT'),
  new DamselflyError('CONTENT_CORRUPT'),
  new DamselflyError('OUTPUT_FAILED'),
  new OtherFileError('is longer'),
  new DamselflyError('STORE_FULL'),
  new DamselflyError('STORE_FAILED'),
  new DamselflyError('REQUEST_INVALID'),
  new InterruptedError(),
  new TypeError('bug'),
])('%s stays', error => expect(pauseOf(error)).toBeUndefined())

test('pauses double, up to a minute', () => {
  expect([1, 2, 3, 6, 7, 8, 1_000_000].map(tries => pauseOf(answer(503), tries))).toEqual([
    1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000,
  ])
})

test.each([
  ['7', 7_000],
  ['86400', 600_000],
  ['0', 1_000],
  ['-5', 1_000],
  ['soon', 1_000],
  ['', 1_000],
  [new Date(NOW + 30_000).toUTCString(), 30_000],
  [new Date(NOW - 30_000).toUTCString(), 1_000],
])('Retry-After: %s', (text, pauseMs) => expect(pauseOf(answer(503, 'ORIGIN_FAILED', text))).toBe(pauseMs))
