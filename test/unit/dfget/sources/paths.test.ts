import { describe, expect, test } from 'vitest'
import { ClaimedPaths } from '../../../../dfget/sources/claimed-paths.ts'
import { isSafePath, segmentKey, segmentName } from '../../../../dfget/sources/safe-path.ts'

describe('the name of a segment', () => {
  test.each([
    ['a.txt', 'a.txt'],
    ['b%20c.txt', 'b c.txt'],
    ['%C3%BC', 'ü'],
    ['%2541', '%41'],
    ['back%5Cslash', 'back\\slash'],
    ['%2Fetc%2Fpasswd', '%2Fetc%2Fpasswd'],
    ['..%2f..%2fx', '..%2f..%2fx'],
    ['a%00b', 'a%00b'],
    ['tab%09name', 'tab%09name'],
    ['esc%1B%5B2J', 'esc%1B%5B2J'],
    ['c1%C2%9B', 'c1%C2%9B'],
    ['%FF', '%FF'],
    ['100%', '100%'],
    ['%252e%252e', '%2e%2e'],
  ])('%s is %s', (segment, name) => {
    expect(segmentName(segment)).toBe(name)
  })
})

test.each([
  ['~a', '%7ea'],
  ['%c3%bc', '%C3%BC'],
  ['a%2eb', 'a.b'],
])('%s and %s are one segment', (one, other) => {
  expect(segmentKey(one)).toBe(segmentKey(other))
})

test.each([
  ['a', true],
  ['a/b c/d', true],
  ['..a/b..', true],
  ['', false],
  ['/a', false],
  ['a/', false],
  ['a//b', false],
  ['../a', false],
  ['a/../b', false],
  ['./a', false],
  ['a\0', false],
  ['a\nb', false],
])('the path %j is safe: %s', (path, expected) => {
  expect(isSafePath(path)).toBe(expected)
})

describe('claimed paths', () => {
  test('are new once for one owner', () => {
    const paths = new ClaimedPaths()
    expect(paths.claim('a/b', 'x')).toBe(true)
    expect(paths.claim('a/b', 'x')).toBe(false)
    expect(paths.claim('a/c', 'y')).toBe(true)
    expect(paths.claim('a/d/e', 'z')).toBe(true)
  })

  test.each([
    ['by two owners', 'a/b', 'a/b'],
    ['as a file in the place of a directory', 'a/b/c', 'a'],
    ['as a directory in the place of a file', 'a', 'a/b/c'],
    ['as a file in the place of a directory just above', 'a/b', 'a'],
  ])('cannot be claimed %s', (_, one, other) => {
    const paths = new ClaimedPaths()
    paths.claim(one, 'https://x/one')
    expect(() => paths.claim(other, 'https://x/other')).toThrow(
      expect.objectContaining({
        code: 'OUTPUT_FAILED',
        detail: `https://x/one and https://x/other cannot both be written, because of "${other}"; leave it out with --exclude`,
      }),
    )
  })
})
