import { describe, expect, test } from 'vitest'
import { hasDefaultExport, importCycles, importGraphOf, importsOf, reachableFrom } from '../helpers/import-graph.ts'
import {
  bannedImports,
  type FolderRule,
  folderViolations,
  packageOf,
  packageProblems,
} from '../helpers/import-rules.ts'

const RULES: readonly FolderRule[] = [
  { folder: 'words', mayImport: [] },
  { folder: 'server', mayImport: ['words'] },
  { folder: 'server/page', mayImport: ['words'], typesOnly: true },
  { folder: '*/client', mayImport: ['words'] },
  { folder: 'command', mayImport: ['words', '*/client'] },
  { folder: 'test', mayImport: 'anything' },
]

describe('importsOf', () => {
  test('finds every form of import', () => {
    const text = [
      `import { a } from './a.ts'`,
      `import type { B } from '../b.ts'`,
      `import { type C } from 'c'`,
      `import 'node:fs'`,
      `export { d } from './d.ts'`,
      `export type { E } from './e.ts'`,
      `const f = await import('./f.ts')`,
      `type G = import('./g.ts').G`,
    ].join('\n')
    expect(importsOf('top/here/file.ts', text)).toEqual([
      { specifier: './a.ts', target: 'top/here/a.ts', typeOnly: false },
      { specifier: '../b.ts', target: 'top/b.ts', typeOnly: true },
      { specifier: 'c', target: undefined, typeOnly: false },
      { specifier: 'node:fs', target: undefined, typeOnly: false },
      { specifier: './d.ts', target: 'top/here/d.ts', typeOnly: false },
      { specifier: './e.ts', target: 'top/here/e.ts', typeOnly: true },
      { specifier: './f.ts', target: 'top/here/f.ts', typeOnly: false },
      { specifier: './g.ts', target: 'top/here/g.ts', typeOnly: true },
    ])
  })

  test('passes over comments and strings', () => {
    expect(importsOf('file.ts', `// import './a.ts'\nconst text = "import './b.ts'"`)).toEqual([])
  })
})

describe('folderViolations', () => {
  test.each([
    ['the own folder', { 'words/a.ts': './b.ts' }],
    ['a folder that the rule names', { 'server/a.ts': '../words/a.ts' }],
    ['the own client', { 'server/a.ts': './client/a.ts' }],
    ['the client of another program', { 'command/a.ts': '../server/client/a.ts' }],
    ['anything from a folder that may', { 'test/unit/a.ts': '../../server/a.ts' }],
    ['data that is not code', { 'words/a.ts': '../package.json' }],
  ])('allows %s', (_, imports) => {
    expect(folderViolations(graphOf(imports), RULES)).toEqual([])
  })

  test.each([
    ['a folder that the rule does not name', { 'words/a.ts': '../server/a.ts' }, 'words/a.ts imports server/a.ts'],
    [
      'a folder whose name only begins alike',
      { 'server/a.ts': '../words-more/a.ts' },
      'server/a.ts imports words-more/a.ts',
    ],
    ['the server beside a client', { 'server/client/a.ts': '../a.ts' }, 'server/client/a.ts imports server/a.ts'],
    ['one client from another', { 'x/client/a.ts': '../../y/client/a.ts' }, 'x/client/a.ts imports y/client/a.ts'],
    ['the server of another program', { 'command/a.ts': '../server/a.ts' }, 'command/a.ts imports server/a.ts'],
    ['tests', { 'server/a.ts': '../test/a.ts' }, 'server/a.ts imports test/a.ts'],
    [
      'more than types',
      { 'server/page/a.ts': '../../words/a.ts' },
      'server/page/a.ts imports more than types of words/a.ts',
    ],
    ['a folder without a rule', { 'new/a.ts': './b.ts' }, 'new/a.ts lies in a folder without a rule'],
  ])('reports %s', (_, imports, violation) => {
    expect(folderViolations(graphOf(imports), RULES)).toEqual([violation])
  })

  test('allows types where only types are allowed', () => {
    const graph = importGraphOf(new Map([['server/page/a.ts', `import type { A } from '../../words/a.ts'`]]))
    expect(folderViolations(graph, RULES)).toEqual([])
  })
})

describe('reachableFrom', () => {
  test('follows imports in circles, but none of types', () => {
    const graph = importGraphOf(
      new Map([
        ['a.ts', `import './b.ts'; import type { D } from './d.ts'`],
        ['b.ts', `import './a.ts'; await import('./c.ts')`],
        ['c.ts', `import 'node:fs'`],
        ['d.ts', ''],
      ]),
    )
    expect([...reachableFrom(graph, 'a.ts')]).toEqual(['a.ts', 'b.ts', 'c.ts'])
    expect([...reachableFrom(graph, 'd.ts')]).toEqual(['d.ts'])
  })
})

describe('importCycles', () => {
  test('finds a circle through several files, once', () => {
    const graph = graphOf({ 'a.ts': './b.ts', 'b.ts': './c.ts', 'c.ts': './b.ts' })
    expect(importCycles(graph)).toEqual([['b.ts', 'c.ts', 'b.ts']])
  })

  test('finds a file that imports itself', () => {
    expect(importCycles(graphOf({ 'a.ts': './a.ts' }))).toEqual([['a.ts', 'a.ts']])
  })

  test('finds none where two paths lead to one file', () => {
    const text = `import './b.ts'; import './c.ts'`
    const graph = importGraphOf(
      new Map([
        ['a.ts', text],
        ['b.ts', `import './c.ts'`],
        ['c.ts', ''],
      ]),
    )
    expect(importCycles(graph)).toEqual([])
  })
})

test('bannedImports reports a banned module where it is banned only', () => {
  const graph = graphOf({ 'words/a.ts': 'node:fs/promises', 'server/a.ts': 'node:fs' })
  const bans = [{ folder: 'words', modules: /^node:fs(\/|$)/ }]
  expect(bannedImports(graph, bans)).toEqual(['words/a.ts imports node:fs/promises'])
})

describe('packageProblems', () => {
  const manifest = {
    scripts: { check: 'linter check . && other' },
    dependencies: { used: '1.0.0' },
    devDependencies: { linter: '1.0.0', 'test-only': '1.0.0', '@types/used': '1.0.0' },
    optionalDependencies: {},
  }
  const facts = {
    manifest,
    binsOf: (name: string) => (name === 'linter' ? ['linter'] : []),
    shippedFolders: ['server'],
    unimported: /^@types\//,
  }
  const right = { 'server/a.ts': 'used/part', 'server/b.ts': 'node:fs', 'test/a.ts': 'test-only' }

  test('has nothing to say when both agree', () => {
    expect(packageProblems(graphOf(right), facts)).toEqual([])
  })

  test.each([
    [
      'an unlisted package',
      { 'test/b.ts': '@scope/name/part' },
      'test/b.ts imports @scope/name, which package.json does not list',
    ],
    [
      'a development dependency in what is shipped',
      { 'server/c.ts': 'test-only' },
      'server/c.ts imports test-only, which is a development dependency',
    ],
    [
      'a dependency that is not imported',
      { 'server/a.ts': 'node:fs' },
      'used is listed in package.json, but no file imports it',
    ],
  ])('reports %s', (_, change, problem) => {
    expect(packageProblems(graphOf({ ...right, ...change }), facts)).toEqual([problem])
  })
})

test.each([
  ['typebox/value', 'typebox'],
  ['@libp2p/tcp', '@libp2p/tcp'],
  ['@libp2p/tcp/part', '@libp2p/tcp'],
])('packageOf %s is %s', (specifier, name) => {
  expect(packageOf(specifier)).toBe(name)
})

test.each([
  ['export default 1', true],
  ['export default function a() {}', true],
  ['const a = 1; export { a as default }', true],
  [`export { default } from './a.ts'`, true],
  ['export const a = 1; export { b } from "./b.ts"', false],
])('hasDefaultExport of %s is %s', (text, expected) => {
  expect(hasDefaultExport('a.ts', text)).toBe(expected)
})

/** A graph of files that import one module each. */
function graphOf(imports: Readonly<Record<string, string>>) {
  return importGraphOf(new Map(Object.entries(imports).map(([file, module]) => [file, `import '${module}'`])))
}
