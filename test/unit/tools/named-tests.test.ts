import { expect, test } from 'vitest'
import { namedTestProblems, namedTests } from '../../helpers/named-tests.ts'

const SOURCES: Record<string, string> = { 'test/a.test.ts': "test('one', …)\nit.each([])(\"it's %s\", …)" }

test.each([
  ['| R1 | x | `test/a.test.ts`: "one" |', []],
  ['`test/a.test.ts`: "it\'s %s"', []],
  ['`test/a.test.ts`: "on"', ['test/a.test.ts has no test "on"']],
  ['`test/b.test.ts`: "one"', ['test/b.test.ts does not exist']],
  ['| R1 | x | TODO: roles |', ['TODO: roles']],
  ['| R2 | x | by hand |', ['no test is named: | R2 | x | by hand |']],
])('the check of named tests says of %j: %j', (page, expected) => {
  expect(namedTestProblems(page, file => SOURCES[file])).toEqual(expected)
})

test('several tests of a line are found', () => {
  expect(namedTests('`test/a.test.ts`: "x", `test/b.test.ts`: "y"').map(({ title }) => title)).toEqual(['x', 'y'])
})
