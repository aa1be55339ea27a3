import { expect, test } from 'vitest'
import { matchesPattern } from '../../../lib/pattern.ts'

test.for([
  ['', '', true],
  ['a', '', false],
  ['a', 'a', true],
  ['ab', 'a', false],
  ['', '*', true],
  ['anything/at:all', '*', true],
  ['a.b', 'a?b', false],
  ['axb', 'a.b', false],
  ['docker.io/library/nginx:1', 'docker.io/library/*:*', true],
  ['docker.io/other/nginx:1', 'docker.io/library/*:*', false],
  ['ghcr.io/a/b:latest', '*:latest', true],
  ['ghcr.io/a/b:latest-1', '*:latest', false],
  ['abcabc', 'a*c', true],
  ['aba', 'ab*ba', false],
  ['abba', 'ab*ba', true],
  ['aXbYc', 'a*b*c', true],
  ['aXcYb', 'a*b*c', false],
  ['ab', 'a**b', true],
] as const)('"%s" against "%s": %s', ([text, pattern, expected]) => {
  expect(matchesPattern(text, pattern)).toBe(expected)
})
