import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importCycles, importGraphOf, reachableFrom } from '../helpers/import-graph.ts'
import {
  bannedImports,
  type FolderRule,
  folderViolations,
  type ModuleBan,
  packageProblems,
} from '../helpers/import-rules.ts'
import { isModule, REPOSITORY, readManifest, readTree } from '../helpers/source-tree.ts'

/** Who may import whom. CONTRIBUTING.md shows the same table with the reasons. */
const RULES: readonly FolderRule[] = [
  { folder: 'protocol', mayImport: [] },
  { folder: 'lib', mayImport: ['protocol'] },
  { folder: 'supernode', mayImport: ['protocol', 'lib'] },
  { folder: 'supernode/console', mayImport: ['protocol'], typesOnly: true },
  { folder: 'registry-mock', mayImport: ['protocol', 'lib'] },
  { folder: 'dfget', mayImport: ['protocol', 'lib', 'supernode/client'] },
  { folder: 'dfget/cli', mayImport: ['protocol', 'lib', 'supernode/client', 'dfdaemon/client', 'dfget'] },
  { folder: 'dfdaemon', mayImport: ['protocol', 'lib', 'supernode/client', 'dfget/peer'] },
  { folder: '*/client', mayImport: ['protocol', 'lib'] },
  { folder: 'trial', mayImport: ['protocol', 'lib', '*/client'] },
  { folder: 'tools', mayImport: 'anything' },
  { folder: 'bench', mayImport: 'anything' },
  { folder: 'test', mayImport: 'anything' },
]

/** The words of the protocol do no I/O, so that they run anywhere, a simulation included. */
const BANS: readonly ModuleBan[] = [
  {
    folder: 'protocol',
    modules: /^(node:)?(fs|net|http|http2|https|tls|dgram|dns|child_process|worker_threads)(\/|$)/,
  },
  { folder: 'protocol', modules: /^(libp2p|@libp2p\/.*|@chainsafe\/libp2p-.*|undici|fastify|level)(\/|$)/ },
]

const graph = importGraphOf(readTree(isModule))

test('every import of our own files is one that the table allows', () => {
  expect(folderViolations(graph, RULES)).toEqual([])
})

test.each([
  ['dfdaemon/proxy/a.ts', 'dfget/peer/b.ts', true],
  ['dfdaemon/proxy/a.ts', 'dfget/cli/b.ts', false],
  ['dfget/cli/a.ts', 'dfdaemon/client/b.ts', true],
  ['dfget/peer/a.ts', 'dfdaemon/client/b.ts', false],
  ['dfget/peer/a.ts', 'supernode/client/b.ts', true],
  ['dfget/peer/a.ts', 'supernode/scheduler/b.ts', false],
  ['supernode/client/a.ts', 'supernode/api/b.ts', false],
  ['supernode/api/a.ts', 'dfget/peer/b.ts', false],
  ['supernode/console/a.ts', 'lib/b.ts', false],
  ['trial/a.ts', 'dfdaemon/client/b.ts', true],
  ['trial/a.ts', 'dfdaemon/proxy/b.ts', false],
  ['lib/a.ts', 'tools/b.ts', false],
  ['lib/a.ts', 'bench/b.ts', false],
  ['lib/a.ts', 'test/helpers/b.ts', false],
  ['test/a.ts', 'tools/b.ts', true],
  ['protocol/a.ts', 'lib/b.ts', false],
])('the table lets %s import %s: %s', (file, target, allowed) => {
  const graph = new Map([[file, [{ specifier: target, target, typeOnly: true }]]])
  expect(folderViolations(graph, RULES)).toHaveLength(allowed ? 0 : 1)
})

test.each([
  ['node:fs/promises', true],
  ['http', true],
  ['@libp2p/interface', true],
  ['libp2p', true],
  ['node:crypto', false],
  ['cborg', false],
])('protocol must not import %s: %s', (specifier, banned) => {
  const imported = { specifier, target: undefined, typeOnly: true }
  expect(bannedImports(new Map([['protocol/a.ts', [imported]]]), BANS)).toHaveLength(banned ? 1 : 0)
})

test('no files import each other in a circle', () => {
  expect(importCycles(graph).map(cycle => cycle.join(' → '))).toEqual([])
})

test('protocol imports nothing that does I/O', () => {
  expect(bannedImports(graph, BANS)).toEqual([])
})

// What they read is named by others, over the network (docs/decisions/0017-sources.md).
test.each(['supernode', 'dfdaemon', 'registry-mock'])('%s cannot read local files as a source', program => {
  const files = [...graph.keys()].filter(file => file.startsWith(`${program}/`))
  expect(files).not.toEqual([])
  const reading = files.filter(file => reachableFrom(graph, file).has('lib/origin/file-origin.ts'))
  expect(reading).toEqual([])
})

test('package.json lists what is imported, and nothing else', () => {
  const problems = packageProblems(graph, {
    manifest: readManifest(),
    binsOf,
    shippedFolders: ['protocol', 'lib', 'supernode', 'dfdaemon', 'dfget', 'registry-mock', 'trial'],
    // These bring the Node binary (docs/decisions/0001) and the types of Node itself.
    unimported: /^(node-linux-.*|@types\/.*)$/,
  })
  expect(problems).toEqual([])
})

function binsOf(packageName: string): string[] {
  const manifest = readFileSync(join(REPOSITORY, 'node_modules', packageName, 'package.json'), 'utf8')
  const { bin } = JSON.parse(manifest) as { bin?: string | Record<string, string> }
  return typeof bin === 'string' ? [packageName.replace(/^@.*\//, '')] : Object.keys(bin ?? {})
}
