import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Root of the repository. */
export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))

/** File contents by path relative to the root, with `/` between folders. */
export type SourceTree = ReadonlyMap<string, string>

const NOT_OURS = new Set(['.git', 'node_modules', 'dist', 'coverage'])

/** Every file of the repository that is kept in it and whose path passes the filter, in the order of the paths. */
export function readTree(wanted: (path: string) => boolean, root = REPOSITORY): SourceTree {
  const paths = readdirSync(root, { withFileTypes: true }).flatMap(entry => {
    if (NOT_OURS.has(entry.name)) return []
    if (!entry.isDirectory()) return entry.isFile() ? [entry.name] : []
    return filesBelow(root, entry.name)
  })
  const chosen = paths.filter(wanted).sort()
  return new Map(chosen.map(path => [path, readFileSync(join(root, path), 'utf8')]))
}

/** Whether a path names a module, by its extension. */
export function isModule(path: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(path)
}

/** What the checks read of the repository's package.json. */
export interface Manifest {
  readonly bin: Readonly<Record<string, string>>
  readonly man: readonly string[]
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

/** The repository's package.json. */
export function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as Manifest
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}/${entry.name}`
    if (NOT_OURS.has(entry.name)) return []
    if (entry.isDirectory()) return filesBelow(root, path)
    return entry.isFile() ? [path] : []
  })
}
