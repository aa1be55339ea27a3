import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { RegisteredSource } from '../../../protocol/messages/registration.ts'

test.each([
  [{ accept: 'text/plain' }, true],
  [{}, true],
  [{ 'a\nb': 5 }, false],
  [{ 'a\nb': 'x'.repeat(32_769) }, false],
  [{ ['x'.repeat(256)]: 'v' }, true],
  [{ ['x'.repeat(257)]: 'v' }, false],
])('the headers %o of a registration are as they should be: %s', (headers, expected) => {
  expect(Value.Check(RegisteredSource, { url: 'https://h/', headers })).toBe(expected)
})
