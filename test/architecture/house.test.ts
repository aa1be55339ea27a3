import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasDefaultExport } from '../helpers/import-graph.ts'
import { isAllowedLicense, type LockFile, licenseProblems } from '../helpers/licenses.ts'
import { isModule, REPOSITORY, readManifest, readTree } from '../helpers/source-tree.ts'

const MAX_LINES = 400
const MAX_MAIN_LINES = 40
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/
/** Folders in which people and build machines keep their work trees. Preceded by a name they are the middle of a path. */
const WORK_TREE = /(?<![\w.~-])\/(home|Users|work|workspaces?|builds)\/[\w.-]+/

const modules = readTree(isModule)

describe('source files', () => {
  test('check the values of all keys of a record (regression: those with a line break in the key were not looked at)', () => {
    const careless = /Type\.Record\(\s*Type\.String\((?!\{ pattern)/
    expect(careless.test('Type.Record(Type.String({ maxLength: 9 }), x)')).toBe(true)
    expect(
      pathsWhere((path, text) => !path.startsWith('test/') && careless.test(text.replaceAll(/'[^'\n]*'|`[^`]*`/g, ''))),
    ).toEqual([])
  })

  test(`have at most ${MAX_LINES} lines`, () => {
    expect(pathsWhere((_, text) => linesOf(text) > MAX_LINES)).toEqual([])
  })

  test('are named in kebab-case, as are their folders', () => {
    expect(pathsWhere(path => !namesOf(path).every(name => KEBAB_CASE.test(name)))).toEqual([])
  })

  test('have no default export, except configuration files', () => {
    expect(pathsWhere((path, text) => !path.endsWith('.config.ts') && hasDefaultExport(path, text))).toEqual([])
  })

  test(`called main.ts have less than ${MAX_MAIN_LINES} lines`, () => {
    expect(pathsWhere((path, text) => basename(path) === 'main.ts' && linesOf(text) >= MAX_MAIN_LINES)).toEqual([])
  })
})

test('no file names a place on the machine on which it was written', () => {
  const found = [...readTree(() => true)].flatMap(([path, text]) => {
    const [place] = WORK_TREE.exec(text) ?? []
    return place === undefined ? [] : [`${path}: ${place}`]
  })
  expect(found).toEqual([])
})

test.each([
  // Put together here, because the check reads this file too.
  [`see ${['', 'home', 'someone', 'project'].join('/')}`, true],
  [`"${['', 'workspace', 'project', 'file.ts'].join('/')}"`, true],
  ['https://example.com/home/page', false],
  ['../work/file.ts', false],
  ['/var/lib/damselfly', false],
])('the check for places takes %s for one: %s', (text, expected) => {
  expect(WORK_TREE.test(text)).toBe(expected)
})

describe('dependencies', () => {
  test('are pinned exactly', () => {
    const { dependencies, devDependencies, optionalDependencies } = readManifest()
    const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
  })

  test('come under licences of the list, those of dependencies too', () => {
    const lock = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as LockFile
    // MPL-2.0 asks for changes of its own files back. vite, which vitest brings, uses them unchanged and we ship neither.
    const isUnchanged = (name: string) => /^lightningcss(-|$)/.test(name)
    // MIT by their LICENSE or README. What the S3 store of the tests brings is older than the field for it, or lacks it.
    const isOld = (name: string) => ['busboy', 'humanize-number', 'streamsearch'].includes(name)
    const problems = licenseProblems(lock, (name, { dev }) => dev === true && (isUnchanged(name) || isOld(name)))
    expect(problems).toEqual([])
  })

  test.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0-only)', true],
    ['Apache-2.0 AND MIT', true],
    ['MIT AND GPL-3.0-only', false],
    ['GPL-3.0-only', false],
    ['SEE LICENSE IN LICENSE.md', false],
    [undefined, false],
  ])('licence %s is allowed: %s', (expression, expected) => {
    expect(isAllowedLicense(expression)).toBe(expected)
  })

  test('with another licence are reported, wherever they lie', () => {
    const packages = { '': {}, 'node_modules/a/node_modules/@b/c': { version: '1.0.0', license: 'GPL-3.0-only' } }
    expect(licenseProblems({ packages }, () => false)).toEqual(['@b/c 1.0.0: GPL-3.0-only'])
  })
})

function pathsWhere(isWrong: (path: string, text: string) => boolean): string[] {
  return [...modules].filter(([path, text]) => isWrong(path, text)).map(([path]) => path)
}

function linesOf(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

/** The names along a path: its folders without a leading dot, then the file without extension and words like `.test`. */
function namesOf(path: string): string[] {
  const file = basename(path).replace(/(\.[a-z]+){0,2}\.[cm]?[jt]sx?$/, '')
  const folders = path.split('/').slice(0, -1)
  return [...folders.map(folder => folder.replace(/^\./, '')), file]
}
