import { isBuiltin } from 'node:module'
import type { Import, ImportGraph } from './import-graph.ts'
import { isModule, type Manifest } from './source-tree.ts'

/** What the files below a folder may import of ours. The longest folder that holds a file decides about it. */
export interface FolderRule {
  /** Path from the root; `*` stands for one name. */
  readonly folder: string
  /** Folders in the same form, or `anything`. The own folder is always allowed. */
  readonly mayImport: readonly string[] | 'anything'
  /** Outside the own folder only `import type`. */
  readonly typesOnly?: boolean
}

/** Modules that no file below a folder may import. */
export interface ModuleBan {
  readonly folder: string
  readonly modules: RegExp
}

/** Imports of our own files that the table does not allow, and folders that the table does not know. */
export function folderViolations(graph: ImportGraph, rules: readonly FolderRule[]): string[] {
  return [...graph].flatMap(([file, imports]) => {
    const rule = ruleFor(file, rules)
    if (rule === undefined) return file.includes('/') ? [`${file} lies in a folder without a rule`] : []
    return imports.flatMap(imported => describeViolation(file, imported, rule))
  })
}

/** Imports of modules that are banned where they stand. */
export function bannedImports(graph: ImportGraph, bans: readonly ModuleBan[]): string[] {
  return [...graph].flatMap(([file, imports]) =>
    imports
      .filter(({ specifier }) => bans.some(ban => isBelow(file, ban.folder) && ban.modules.test(specifier)))
      .map(({ specifier }) => `${file} imports ${specifier}`),
  )
}

/** What the package check needs besides the imports. */
export interface PackageFacts {
  readonly manifest: Omit<Manifest, 'bin' | 'man'>
  /** Names of the commands that a package brings. */
  readonly binsOf: (packageName: string) => readonly string[]
  /** Top-level folders that run at the user's, where development dependencies are not installed. */
  readonly shippedFolders: readonly string[]
  /** Dependencies that are there for another reason than an import. */
  readonly unimported: RegExp
}

/** Where package.json and the imports do not agree. */
export function packageProblems(graph: ImportGraph, facts: PackageFacts): string[] {
  const { dependencies, devDependencies, optionalDependencies, scripts } = facts.manifest
  const runtime = { ...dependencies, ...optionalDependencies }
  const listed = { ...runtime, ...devDependencies }
  const imported = new Set<string>()
  const problems: string[] = []
  for (const [file, imports] of graph) {
    const shipped = facts.shippedFolders.some(folder => isBelow(file, folder))
    for (const { specifier, target, typeOnly } of imports) {
      if (target !== undefined || isBuiltin(specifier)) continue
      const name = packageOf(specifier)
      imported.add(name)
      if (!Object.hasOwn(listed, name)) problems.push(`${file} imports ${name}, which package.json does not list`)
      else if (shipped && !typeOnly && !Object.hasOwn(runtime, name))
        problems.push(`${file} imports ${name}, which is a development dependency`)
    }
  }
  const commands = new Set(Object.values(scripts).flatMap(script => script.split(/\s+/)))
  const isUsed = (name: string) => imported.has(name) || facts.binsOf(name).some(bin => commands.has(bin))
  const unused = Object.keys(listed).filter(name => !facts.unimported.test(name) && !isUsed(name))
  return [...problems, ...unused.map(name => `${name} is listed in package.json, but no file imports it`)]
}

/** The package that a specifier names: `typebox/value` → `typebox`, `@libp2p/tcp/x` → `@libp2p/tcp`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function describeViolation(file: string, imported: Import, rule: FolderRule): string[] {
  const { target, typeOnly } = imported
  if (target === undefined || !isModule(target) || rule.mayImport === 'anything') return []
  if (isBelow(target, ownFolder(file, rule))) return []
  if (!rule.mayImport.some(folder => isBelow(target, folder))) return [`${file} imports ${target}`]
  return rule.typesOnly === true && !typeOnly ? [`${file} imports more than types of ${target}`] : []
}

function ruleFor(file: string, rules: readonly FolderRule[]): FolderRule | undefined {
  return rules
    .filter(({ folder }) => isBelow(file, folder))
    .reduce<FolderRule | undefined>(
      (best, rule) => (best && depth(best.folder) >= depth(rule.folder) ? best : rule),
      undefined,
    )
}

/** The folder of a rule as it is called for this file, with the names that stand for its `*`. */
function ownFolder(file: string, rule: FolderRule): string {
  return file.split('/').slice(0, depth(rule.folder)).join('/')
}

function isBelow(file: string, folder: string): boolean {
  const names = file.split('/')
  const wanted = folder.split('/')
  return names.length > wanted.length && wanted.every((name, index) => name === '*' || name === names[index])
}

function depth(folder: string): number {
  return folder.split('/').length
}
