import { expect, test } from 'vitest'
import { isAnonymous } from '../../../../lib/origin/request-headers.ts'

test.each(['', ' ', 'Basic', 'basic ', 'Basic Og==', 'basic  og==  '])('"%s" is no account', authorization => {
  expect(isAnonymous(authorization)).toBe(true)
})

test.each(['Basic dTpw', 'Bearer x', 'basic og== x', 'basicog=='])('"%s" is one', authorization => {
  expect(isAnonymous(authorization)).toBe(false)
})

test('an Authorization of blanks takes no time by the square of their number', () => {
  expect(isAnonymous(`basic${' '.repeat(1_000_000)}x`)).toBe(false)
  expect(isAnonymous(`${' '.repeat(1_000_000)}x`)).toBe(false)
})
