import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type LockedPackages, lockProblems } from '../../tools/supply-chain/lock-problems.ts'
import { REPOSITORY } from '../helpers/source-tree.ts'

/**
 * Their scripts were looked at. classic-level's compiles it where none of the binaries that it brings fits, and does nothing on Linux,
 * so that `npm ci --ignore-scripts` does as well. fsevents is for macOS and comes with vitest.
 */
const MAY_RUN = ['classic-level', 'fsevents']

test('packages come from the registry, with a sha512 of their content, and run nothing when they are installed', () => {
  const lock = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as LockedPackages
  expect(lockProblems(lock, MAY_RUN)).toEqual([])
})

const GOOD = { resolved: 'https://registry.npmjs.org/a/-/a-1.0.0.tgz', integrity: 'sha512-x' }

test.each([
  [GOOD, []],
  [{ ...GOOD, resolved: 'git+ssh://git@example.com/a.git' }, ['a is not from the registry']],
  [{ ...GOOD, resolved: 'https://registry.npmjs.org.example.com/a.tgz' }, ['a is not from the registry']],
  [{ link: true }, ['a is not from the registry', 'a has no sha512']],
  [{ ...GOOD, integrity: 'sha1-x' }, ['a has no sha512']],
  [{ ...GOOD, hasInstallScript: true }, ['a runs a script when it is installed']],
])('the check of a package says of %j: %j', (entry, expected) => {
  expect(lockProblems({ packages: { '': {}, 'node_modules/b/node_modules/a': entry } }, MAY_RUN)).toEqual(expected)
})
