import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type OutputChunk, rolldown } from 'rolldown'
import { declarationsOf } from './declarations.ts'
import { bundledPackages, noticesOf } from './notices.ts'

/** Root of the repository. */
export const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

/** The library's entry, which programs of others import. */
const LIBRARY = 'dfget/index'

/** What runs, by its path in dist/ without extension. Everything that several of them need is in `chunks/`. */
const ENTRIES: Readonly<Record<string, string>> = {
  'supernode/main': 'supernode/main.ts',
  'dfdaemon/main': 'dfdaemon/main.ts',
  'dfget/main': 'dfget/main.ts',
  'registry-mock/main': 'registry-mock/main.ts',
  [LIBRARY]: `${LIBRARY}.ts`,
  // A program of its own, beside the chunk of what starts it.
  'chunks/hash-worker': 'lib/hashing/hash-worker.ts',
}

/** Is loaded as it was installed: there is a native module behind it. */
const NOT_BUNDLED = ['level']

/** Names its program by a place relative to its own. */
const STARTS_HASH_WORKER = join(CHECKOUT, 'lib/hashing/hash-thread.ts')

/**
 * Builds what is published: the programs and the library with all that they import in few files, as opening a thousand takes longer
 * than all else that a program does at its start; the library's types; the licences of what was bundled.
 * @param directory is emptied first
 * @throws Error when something does not fit together
 */
export async function buildPackage(directory: string): Promise<void> {
  const chunks = await bundlePrograms(directory)
  const packages = bundledPackages(chunks.flatMap(({ moduleIds }) => moduleIds))
  await writeFile(join(directory, 'THIRD-PARTY-NOTICES.txt'), noticesOf(packages))
  for (const [path, text] of declarationsOf(CHECKOUT, `${LIBRARY}.ts`)) {
    const file = join(directory, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
}

/**
 * Builds what runs, and nothing beside it.
 * @param directory is emptied first
 * @throws Error when something does not fit together
 */
export async function bundlePrograms(directory: string): Promise<readonly OutputChunk[]> {
  await rm(directory, { recursive: true, force: true })
  const chunks = await bundle(directory)
  checkHashWorker(chunks)
  return chunks
}

async function bundle(directory: string): Promise<OutputChunk[]> {
  const entries = Object.entries(ENTRIES).map(([name, file]) => [name, join(CHECKOUT, file)])
  const build = await rolldown({
    input: Object.fromEntries(entries),
    platform: 'node',
    external: NOT_BUNDLED,
    cwd: CHECKOUT,
    tsconfig: false,
    onLog(level, log) {
      if (level === 'warn') throw new Error(log.message)
    },
  })
  try {
    const { output } = await build.write({
      dir: directory,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
      sourcemap: true,
    })
    return output.filter(file => file.type === 'chunk')
  } finally {
    await build.close()
  }
}

function checkHashWorker(chunks: readonly OutputChunk[]): void {
  const starter = chunks.find(({ moduleIds }) => moduleIds.includes(STARTS_HASH_WORKER))
  if (starter !== undefined && dirname(starter.fileName) === 'chunks') return
  throw new Error(`${starter?.fileName} would look for the hash worker in its own folder`)
}
