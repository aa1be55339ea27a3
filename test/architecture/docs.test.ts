import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generatedPages } from '../../tools/docs/generated-pages.ts'
import { anchorOf, brokenLinks, npmScriptsOf } from '../helpers/markdown-links.ts'
import { isModule, REPOSITORY, readManifest, readTree } from '../helpers/source-tree.ts'

const pages = readTree(path => path.endsWith('.md'))
const manuals = readTree(path => /^docs\/man\/.*\.1$/.test(path))

describe('generated pages', async () => {
  test.each([...generatedPages()])('%s is in step with the source', (path, text) => {
    expect(pages.get(path) ?? manuals.get(path), `${path} is out of step: run "npm run docs"`).toBe(text)
  })
})

test('the settings of every program are on the configuration page', () => {
  const programs = Object.keys(readManifest().bin)
  const sections = pages.get('docs/configuration.md')?.match(/(?<=^## ).*$/gm)
  expect(sections?.toSorted()).toEqual(programs.toSorted())
})

test('every program has a manual page, which is published', () => {
  const { bin, man } = readManifest()
  const expected = Object.keys(bin).map(program => `docs/man/${program}.1`)
  expect([...manuals.keys()]).toEqual(expected.toSorted())
  expect(man.toSorted()).toEqual(expected.toSorted())
})

test('every metric that the source declares is on the metrics page', () => {
  const sources = readTree(path => isModule(path) && !path.startsWith('test/'))
  const names = [...sources.values()].flatMap(text => text.match(/(?<=name: ')damselfly_\w+/g) ?? [])
  expect(names.length).toBeGreaterThan(0)
  expect(names.filter(name => !pages.get('docs/metrics.md')?.includes(`\`${name}\``))).toEqual([])
})

test('every relative link leads somewhere', () => {
  expect(brokenLinks(pages, path => existsSync(join(REPOSITORY, path)))).toEqual([])
})

test('every npm script that a page names exists', () => {
  const { scripts } = readManifest()
  const missing = [...pages].flatMap(([page, text]) =>
    npmScriptsOf(text)
      .filter(name => !Object.hasOwn(scripts, name))
      .map(name => `${page}: npm run ${name}`),
  )
  expect(missing).toEqual([])
})

test('every decision record is in the index', () => {
  const index = pages.get('docs/decisions/README.md') ?? ''
  const records = [...pages.keys()].filter(path => /^docs\/decisions\/\d{4}-/.test(path))
  expect(records.length).toBeGreaterThan(0)
  expect(records.filter(path => !index.includes(`(${path.replace('docs/decisions/', '')})`))).toEqual([])
})

describe('the checks themselves', () => {
  const tree = new Map([
    ['README.md', '# A page\n\n## With `code`, and more\n'],
    ['docs/other.md', ''],
  ])

  test.each([
    '[ok](docs/other.md)',
    '[ok](#a-page)',
    '[ok](README.md#with-code-and-more)',
    '[ok](https://example.com/x)',
    '`[no](link.md)`',
    '```\n[no](link.md)\n```',
  ])('accept %j', text => {
    expect(
      brokenLinks(new Map([...tree, ['page.md', `# A page\n${text}`]]), path => tree.has(path) || path === 'page.md'),
    ).toEqual([])
  })

  test.each([
    ['[bad](docs/missing.md)', 'docs/missing.md'],
    ['[bad](README.md#nowhere)', 'README.md#nowhere'],
    ['![bad](picture.svg "title")', 'picture.svg'],
    ['<img src="picture.svg">', 'picture.svg'],
    ['[bad]: picture.svg', 'picture.svg'],
  ])('refuse %j', (text, link) => {
    expect(brokenLinks(new Map([...tree, ['page.md', text]]), path => tree.has(path))).toEqual([
      `page.md links to ${link}`,
    ])
  })

  test('find the scripts of a page', () => {
    const text = 'Run `npm run docs`, `npm run -s test:clients -- --x`, `npm start` and `npm cit`.'
    expect(npmScriptsOf(text)).toEqual(['docs', 'test:clients', 'start'])
  })

  test.each([
    ['Quick start', 'quick-start'],
    ['`npm start`: what it does', 'npm-start-what-it-does'],
    ['Who may import whom?', 'who-may-import-whom'],
  ])('anchor of %j', (heading, anchor) => {
    expect(anchorOf(heading)).toBe(anchor)
  })
})
