import { dirname } from 'node:path/posix'
import { Value } from 'typebox/value'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { FileSystem, StoredFile } from './file-system.ts'
import { Journal } from './journal.ts'
import { directoriesAbove, makeDirectories, missingAbove } from './make-directories.ts'
import { RUNTIMES, type RuntimeName } from './plan.ts'

const JOURNAL_DIRECTORY = '/var/lib/damselfly/install'
/** Where a journal is while its directory is being made or removed, so that it can tell of that too. */
const PENDING_DIRECTORIES = ['/', ...directoriesAbove(JOURNAL_DIRECTORY)]

/** Where the journal of a runtime is. */
export function journalPath(runtime: RuntimeName): string {
  return `${JOURNAL_DIRECTORY}/${runtime}.json`
}

/** All journals of a machine. @throws DamselflyError CONFIG_INVALID when one cannot be read */
export async function readJournals(fileSystem: FileSystem): Promise<Map<RuntimeName, Journal>> {
  const journals = new Map<RuntimeName, Journal>()
  for (const runtime of RUNTIMES) {
    for (const path of placesOf(runtime)) {
      const file = await fileSystem.read(path)
      if (file !== undefined) journals.set(runtime, parseJournal(file, path))
    }
  }
  return journals
}

/** Writes a journal durably. Its directory may be missing; the journal has to list it then. */
export async function writeJournal(fileSystem: FileSystem, runtime: RuntimeName, journal: Journal): Promise<void> {
  const path = journalPath(runtime)
  const [outermost] = await missingAbove(fileSystem, path)
  if (outermost !== undefined) await write(fileSystem, pendingPath(dirname(outermost), runtime), journal)
  await makeDirectories(fileSystem, path)
  await write(fileSystem, path, journal)
  for (const pending of pendingPathsOf(runtime)) await discard(fileSystem, pending)
}

/** Moves a journal out of directories that are about to be removed. */
export async function writePendingJournal(
  fileSystem: FileSystem,
  runtime: RuntimeName,
  journal: Journal,
  directories: readonly string[],
): Promise<void> {
  const outermost = directoriesAbove(journalPath(runtime)).find(directory => directories.includes(directory))
  if (outermost === undefined) return
  const pending = pendingPath(dirname(outermost), runtime)
  await write(fileSystem, pending, journal)
  for (const path of placesOf(runtime)) if (path !== pending) await discard(fileSystem, path)
}

/** Removes a journal, wherever it is, and what a killed run has left of one. */
export async function discardJournal(fileSystem: FileSystem, runtime: RuntimeName): Promise<void> {
  for (const path of placesOf(runtime)) await discard(fileSystem, path)
}

async function write(fileSystem: FileSystem, path: string, journal: Journal): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(journal, undefined, 2)}\n`)
  // Configurations may hold passwords.
  await fileSystem.replace(path, { bytes, mode: 0o600, uid: -1, gid: -1 })
}

async function discard(fileSystem: FileSystem, path: string): Promise<void> {
  await fileSystem.discardStaged(path)
  await fileSystem.remove(path)
}

/** The proper place last: what is there counts. */
function placesOf(runtime: RuntimeName): string[] {
  return [...pendingPathsOf(runtime), journalPath(runtime)]
}

function pendingPathsOf(runtime: RuntimeName): string[] {
  return PENDING_DIRECTORIES.map(directory => pendingPath(directory, runtime))
}

function pendingPath(directory: string, runtime: RuntimeName): string {
  return `${directory === '/' ? '' : directory}/.damselfly-install-${runtime}.json`
}

function parseJournal({ bytes }: StoredFile, path: string): Journal {
  const advice = `${path} is not a journal of this version of dfdaemon; nothing was changed`
  try {
    const content: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (Value.Check(Journal, content)) return content
  } catch (error) {
    throw new DamselflyError('CONFIG_INVALID', advice, { cause: error })
  }
  throw new DamselflyError('CONFIG_INVALID', advice)
}
