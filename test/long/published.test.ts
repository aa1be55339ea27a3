import { existsSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { expect, inject, test } from 'vitest'
import { run } from '../helpers/process.ts'
import { readManifest } from '../helpers/source-tree.ts'

const DIST = inject('builtPrograms') ?? ''
const PACKAGE = /node_modules\/((?:@[^/]+\/)?[^/]+)\//

/** The packages of which parts are in a built file. */
function packagesIn(file: string): string[] {
  // A file of imports alone has no map.
  if (!existsSync(`${file}.map`)) return []
  const { sources } = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { sources: string[] }
  return [...new Set(sources.flatMap(source => PACKAGE.exec(source)?.[1] ?? []))]
}

/** A built file and all that is loaded with it. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  const text = readFileSync(file, 'utf8')
  for (const statement of ts.createSourceFile(file, text, ts.ScriptTarget.Latest).statements) {
    const from = ts.isImportDeclaration(statement) ? statement.moduleSpecifier : undefined
    if (from !== undefined && ts.isStringLiteral(from) && from.text.startsWith('.'))
      loadedWith(join(dirname(file), from.text), found)
  }
  return found
}

test.each(Object.entries(readManifest().bin))('%s says its version', async (_, path) => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  const { stdout } = await run(process.execPath, [join(DIST, '..', path), '--version'])
  expect(stdout).toBe(`${version}\n`)
})

test('what dfget loads to answer help and complaints is little', async () => {
  const [command] = (await readdir(join(DIST, 'chunks'))).filter(name => /^run-dfget-.*\.js$/.test(name))
  const files = [join(DIST, 'dfget/main.js'), join(DIST, 'chunks', command ?? '')].flatMap(file => [
    ...loadedWith(file),
  ])
  const packages = new Set(files.flatMap(packagesIn))
  expect([...packages].sort()).toEqual(['commander', 'typebox', 'yaml'])
})

test('the licence of every package is given of which there are parts', async () => {
  const notices = await readFile(join(DIST, 'THIRD-PARTY-NOTICES.txt'), 'utf8')
  const files = (await readdir(DIST, { recursive: true })).filter(name => name.endsWith('.js'))
  const packages = new Set(files.flatMap(name => packagesIn(join(DIST, name))))
  expect(packages.size).toBeGreaterThan(100)
  const titles = notices.split('\n').filter((_, index, lines) => /^-{5,}$/.test(lines[index + 1] ?? ''))
  for (const name of packages) expect(titles).toContainEqual(expect.stringMatching(`^${name} [\\d.]+.* \\(.+\\)$`))
})
