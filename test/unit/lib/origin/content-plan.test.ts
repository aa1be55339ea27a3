import { expect, test } from 'vitest'
import { isEncoded } from '../../../../lib/origin/content-plan.ts'

test.each([undefined, '', ' ', 'identity', ' Identity\t'])('a Content-Encoding of %j changes nothing', encoding => {
  expect(isEncoded(encoding === undefined ? {} : { 'content-encoding': encoding })).toBe(false)
})

test.each(['gzip', 'identity, gzip', 'identity identity'])('a Content-Encoding of %j changes the bytes', encoding => {
  expect(isEncoded({ 'content-encoding': encoding })).toBe(true)
})

test('a Content-Encoding of blanks takes no time by the square of their number', () => {
  expect(isEncoded({ 'content-encoding': `${' '.repeat(1_000_000)}x` })).toBe(true)
})
