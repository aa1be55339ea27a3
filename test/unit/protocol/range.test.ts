import { describe, expect, it } from 'vitest'
import {
  formatContentRange,
  formatRange,
  formatUnsatisfiedRange,
  parseContentRange,
  parseRange,
  resolveRange,
} from '../../../protocol/range.ts'

const HUGE = '9'.repeat(400)

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', { kind: 'bounded', start: 0, end: 1 }],
    ['bytes=5-9', { kind: 'bounded', start: 5, end: 10 }],
    ['Bytes=5-9', { kind: 'bounded', start: 5, end: 10 }],
    ['bytes= 5-9 ', { kind: 'bounded', start: 5, end: 10 }],
    ['bytes=5-', { kind: 'from', start: 5 }],
    ['bytes=-5', { kind: 'suffix', lengthBytes: 5 }],
    ['bytes=-0', { kind: 'suffix', lengthBytes: 0 }],
    ['bytes=9-5', { kind: 'bounded', start: 9, end: 6 }],
  ])('reads %s', (header, expected) => {
    expect(parseRange(header)).toEqual(expected)
  })

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=1-2,4-5',
    'bytes=-1-2',
    'bytes=1.5-2',
    'bytes=+1-2',
    'items=0-5',
    'bytes=0x1-2',
    'bytes 0-5',
    'bytes=1 -2',
  ])('ignores %s', header => {
    expect(parseRange(header)).toBeUndefined()
  })

  it('saturates numbers that no content reaches', () => {
    for (const header of [`bytes=0-${HUGE}`, `bytes=${HUGE}-`, `bytes=-${HUGE}`, `bytes=${HUGE}-${HUGE}`]) {
      for (const value of Object.values(parseRange(header) ?? {})) {
        if (typeof value === 'number') expect(Number.isSafeInteger(value)).toBe(true)
      }
    }
  })
})

describe('resolveRange', () => {
  it.each([
    ['bytes=0-', 10, [0, 10]],
    ['bytes=3-5', 10, [3, 6]],
    ['bytes=3-500', 10, [3, 10]],
    [`bytes=3-${HUGE}`, 10, [3, 10]],
    ['bytes=9-9', 10, [9, 10]],
    ['bytes=-3', 10, [7, 10]],
    ['bytes=-30', 10, [0, 10]],
    [`bytes=-${HUGE}`, 10, [0, 10]],
  ])('%s of %i bytes', (header, sizeBytes, [start, end]) => {
    const request = parseRange(header)
    expect(request && resolveRange(request, sizeBytes)).toEqual({ start, end })
  })

  it.each([
    ['bytes=10-', 10],
    ['bytes=10-11', 10],
    ['bytes=5-3', 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
    ['bytes=-1', 0],
    [`bytes=${HUGE}-`, 10],
  ])('%s of %i bytes is refused', (header, sizeBytes) => {
    const request = parseRange(header)
    if (request === undefined) throw new Error('was not read')
    expect(() => resolveRange(request, sizeBytes)).toThrow(
      expect.objectContaining({ code: 'RANGE_INVALID', status: 416 }),
    )
  })
})

describe('Content-Range', () => {
  it('is written and read', () => {
    expect(formatContentRange({ start: 3, end: 6 }, 10)).toBe('bytes 3-5/10')
    expect(parseContentRange('bytes 3-5/10')).toEqual({ start: 3, end: 6, sizeBytes: 10 })
    expect(parseContentRange('Bytes 3-5/*')).toEqual({ start: 3, end: 6, sizeBytes: undefined })
    expect(formatUnsatisfiedRange(10)).toBe('bytes */10')
  })

  it.each([
    undefined,
    '',
    'bytes 5-3/10',
    'bytes 0-10/10',
    'bytes */10',
    'bytes 0-5',
    'bytes=0-5/10',
    'bytes a-b/10',
    `bytes 0-${HUGE}/*`,
    'bytes 0-9007199254740991/*',
    'bytes 0-1/9007199254740993',
    ' bytes 0-1/2',
  ])('is refused: %s', header => {
    expect(parseContentRange(header)).toBeUndefined()
  })
})

describe('formatRange', () => {
  it('writes open and closed ranges', () => {
    expect(formatRange(3)).toBe('bytes=3-')
    expect(formatRange(3, 6)).toBe('bytes=3-5')
  })
})
