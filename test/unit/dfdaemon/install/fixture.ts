import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FileSystem } from '../../../../dfdaemon/node/install/file-system.ts'
import { install } from '../../../../dfdaemon/node/install/install.ts'
import type { ConfigFiles, PlanRequest, RuntimeName } from '../../../../dfdaemon/node/install/plan.ts'
import { createRootedFileSystem, stagingPath } from '../../../../dfdaemon/node/install/rooted-file-system.ts'
import { type OnChanged, uninstall } from '../../../../dfdaemon/node/install/uninstall.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

export const MIRROR = 'http://127.0.0.1:65001'

/** A request with the defaults of every runtime. */
export function request(changes: Partial<PlanRequest> = {}): PlanRequest {
  return { mirror: MIRROR, registries: [], knownRegistries: [], editContainerdConfig: false, ...changes }
}

/** A directory that stands for a machine's root. */
export interface MachineRoot extends ScratchDirectory {
  readonly fileSystem: FileSystem
  write(path: string, content: string, mode?: number): Promise<void>
  read(path: string): Promise<string>
  /** Every name with its kind, mode, owner and content. */
  tree(): Promise<string[]>
  install(runtime: RuntimeName, changes?: Partial<PlanRequest>): ReturnType<typeof install>
  uninstall(runtime: RuntimeName, options?: { onChanged?: OnChanged; dryRun?: boolean }): ReturnType<typeof uninstall>
}

/** Makes a root with these files and nothing else. */
export async function createMachineRoot(files: Readonly<Record<string, string>> = {}): Promise<MachineRoot> {
  const scratch = await createScratchDirectory()
  const fileSystem = createRootedFileSystem(scratch.path)
  const root: MachineRoot = {
    ...scratch,
    fileSystem,
    async write(path, content, mode = 0o644) {
      await mkdir(dirname(join(scratch.path, path)), { recursive: true })
      await writeFile(join(scratch.path, path), content)
      await chmod(join(scratch.path, path), mode)
    },
    read: path => readFile(join(scratch.path, path), 'utf8'),
    tree: () => describeTree(scratch.path),
    install: (runtime, changes = {}) => install({ fileSystem }, { runtime, request: request(changes), dryRun: false }),
    uninstall: (runtime, { onChanged = 'refuse', dryRun = false } = {}) =>
      uninstall({ fileSystem }, { runtime, onChanged, dryRun }),
  }
  for (const [path, content] of Object.entries(files)) await root.write(path, content)
  return root
}

async function describeTree(top: string): Promise<string[]> {
  const names = (await readdir(top, { recursive: true })).sort()
  return await Promise.all(
    ['.', ...names].map(async name => {
      const path = join(top, name)
      const found = await lstat(path)
      const content = found.isFile()
        ? createHash('sha256')
            .update(await readFile(path))
            .digest('hex')
        : found.isSymbolicLink()
          ? await readlink(path)
          : 'directory'
      return `${name} ${found.mode.toString(8)} ${found.uid}:${found.gid} ${content}`
    }),
  )
}

/** The files of a machine in memory, for planners. */
export function filesOf(files: Readonly<Record<string, string>>): ConfigFiles {
  return {
    text: async path => files[path],
    list: async path => {
      const below = Object.keys(files).filter(name => name.startsWith(`${path}/`))
      return [...new Set(below.map(name => name.slice(path.length + 1).split('/')[0] ?? ''))].sort()
    },
  }
}

/** How a machine dies in the middle of a change. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut'
}

/**
 * A file system that dies at its nth change, and stays dead. To remove what is not there is no change. A file that was being replaced leaves its half-written new
 * content behind, as a killed process does.
 */
export function dyingFileSystem(real: FileSystem, root: string, nth: number) {
  let changes = 0
  const change = async (work: () => Promise<unknown>, atDeath: () => Promise<void> = async () => {}) => {
    changes += 1
    if (changes < nth) return await work()
    if (changes === nth) await atDeath()
    throw new PowerCut()
  }
  const isThere = async (path: string) => (await lstat(join(root, path)).catch(() => undefined)) !== undefined
  const dying: FileSystem = {
    ...real,
    makeDirectory: (path, mode) => change(() => real.makeDirectory(path, mode)) as Promise<void>,
    replace: (path, file) =>
      change(
        () => real.replace(path, file),
        async () => writeFile(stagingPath(join(root, await real.resolve(path))), file.bytes.subarray(0, 5)),
      ) as Promise<void>,
    discardStaged: async path => {
      if (await isThere(stagingPath(path))) await change(() => real.discardStaged(path))
    },
    remove: async path => {
      if (await isThere(path)) await change(() => real.remove(path))
    },
    removeEmptyDirectory: path => change(() => real.removeEmptyDirectory(path)) as Promise<boolean>,
  }
  return { fileSystem: dying, changes: () => changes }
}
