import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { namedTestProblems, namedTests } from '../helpers/named-tests.ts'
import { REPOSITORY } from '../helpers/source-tree.ts'

const page = readFileSync(join(REPOSITORY, 'docs/security.md'), 'utf8')

test('every claim of docs/security.md names a test that exists', () => {
  const sourceOf = (file: string) => {
    const path = join(REPOSITORY, file)
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined
  }
  expect(namedTests(page).length).toBeGreaterThan(30)
  expect(namedTestProblems(page, sourceOf)).toEqual([])
})

test('docs/security.md has a line for each requirement', () => {
  const lines = page.match(/^\| R\d+ /gm)?.map(text => text.trim().slice(2))
  expect(lines).toEqual(Array.from({ length: 20 }, (_, index) => `R${index + 1}`))
})
