import { dirname } from 'node:path/posix'
import type { FileSystem, StoredFile } from './file-system.ts'
import { type Journal, type JournalEntry, originalOf, stateOf, withWritten } from './journal.ts'
import { discardJournal, readJournals, writeJournal, writePendingJournal } from './journal-store.ts'
import { makeDirectories } from './make-directories.ts'
import type { RuntimeName } from './plan.ts'

/** `refuse` it, `restore` it and lose the changes, or `keep` it as it is and forget about it. */
export type OnChanged = 'refuse' | 'restore' | 'keep'

export interface UninstallInit {
  readonly runtime: RuntimeName
  /** What to do with a file that somebody has changed since the install. */
  readonly onChanged: OnChanged
  /** Whether to find out only. */
  readonly dryRun: boolean
}

/** What becomes, or would become, of one file. */
export interface Restoration {
  readonly path: string
  /**
   * `restored` to its old bytes, `removed` because there was none, `unchanged` because it is as it was, `kept` for another
   * runtime that uses it too or because that was asked for, `refused` because somebody has changed it.
   */
  readonly change: 'restored' | 'removed' | 'unchanged' | 'kept' | 'refused'
  readonly before: StoredFile | undefined
  readonly after: Uint8Array | undefined
}

/** What an uninstall did, or would do. */
export interface UninstallReport {
  /** False when there was nothing to undo. */
  readonly wasInstalled: boolean
  readonly files: readonly Restoration[]
  /** What the operator has to run now. */
  readonly commands: readonly string[]
}

/** The runtimes with something to undo. @throws DamselflyError CONFIG_INVALID when a journal cannot be read */
export async function installedRuntimes(fileSystem: FileSystem): Promise<RuntimeName[]> {
  return [...(await readJournals(fileSystem)).keys()]
}

/**
 * Puts back every file that an install changed, complete or cut off. One that is cut off itself goes on when it is run again.
 * Files that are refused stay in the journal.
 * @throws DamselflyError CONFIG_INVALID (nothing was changed), OUTPUT_FAILED
 */
export async function uninstall(
  { fileSystem }: { readonly fileSystem: FileSystem },
  { runtime, onChanged, dryRun }: UninstallInit,
): Promise<UninstallReport> {
  const journals = await readJournals(fileSystem)
  const journal = journals.get(runtime)
  if (journal === undefined) {
    // An install may have died before it had a journal.
    if (!dryRun) await discardJournal(fileSystem, runtime)
    return { wasInstalled: false, files: [], commands: [] }
  }
  journals.delete(runtime)
  const sharing = new Set([...journals.values()].flatMap(({ entries }) => entries.map(({ path }) => path)))
  const files: Restoration[] = []
  // Last written, first undone: no file may name another that is gone.
  for (const entry of journal.entries.toReversed()) {
    files.push(restorationOf(entry, await fileSystem.read(entry.path), sharing.has(entry.path), onChanged))
  }
  const touched = files.some(({ change }) => change === 'restored' || change === 'removed')
  const report = { wasInstalled: true, files, commands: touched ? journal.commands : [] }
  if (dryRun) return report

  await handOverFiles(fileSystem, journal, journals)
  for (const file of files) await restore(fileSystem, file, journal)
  const left = await removeDirectories(fileSystem, journal.directories)
  const refused = new Set(files.filter(({ change }) => change === 'refused').map(({ path }) => path))
  if (refused.size > 0) {
    const entries = journal.entries.filter(({ path }) => refused.has(path))
    await writeJournal(fileSystem, runtime, { ...journal, entries })
    return report
  }
  if (journals.size > 0) await handOverDirectories(fileSystem, left, journals)
  else {
    await writePendingJournal(fileSystem, runtime, journal, left)
    await removeDirectories(fileSystem, left)
  }
  await discardJournal(fileSystem, runtime)
  return report
}

function restorationOf(
  entry: JournalEntry,
  before: StoredFile | undefined,
  isShared: boolean,
  onChanged: OnChanged,
): Restoration {
  const { path } = entry
  const state = stateOf(entry, before)
  const after = originalOf(entry)?.bytes
  const unchanged = { path, before, after: before?.bytes }
  if (state === 'original') return { ...unchanged, change: 'unchanged' }
  if (isShared || (state === 'foreign' && onChanged === 'keep')) return { ...unchanged, change: 'kept' }
  if (state === 'foreign' && onChanged === 'refuse') return { ...unchanged, change: 'refused' }
  return { path, before, after, change: after === undefined ? 'removed' : 'restored' }
}

async function restore(fileSystem: FileSystem, { path, change }: Restoration, journal: Journal): Promise<void> {
  if (await fileSystem.isDirectory(dirname(path))) await fileSystem.discardStaged(path)
  if (change === 'removed') await fileSystem.remove(path)
  if (change !== 'restored') return
  const entry = journal.entries.find(candidate => candidate.path === path)
  const original = entry === undefined ? undefined : originalOf(entry)
  if (original === undefined) return
  // Somebody may have removed the whole directory.
  await makeDirectories(fileSystem, path)
  await fileSystem.replace(path, original)
}

/** The runtimes that go on using a file have to know our bytes as an install's, not as somebody else's. */
async function handOverFiles(
  fileSystem: FileSystem,
  { entries }: Journal,
  heirs: Map<RuntimeName, Journal>,
): Promise<void> {
  const written = new Map(entries.map(entry => [entry.path, entry.written]))
  for (const [runtime, heir] of heirs) {
    const next = heir.entries.map(entry => withWritten(entry, written.get(entry.path) ?? []))
    await rewrite(fileSystem, runtime, heirs, { ...heir, entries: next })
  }
}

/** Directories that others have filled in the meantime go with the last of them. */
async function handOverDirectories(
  fileSystem: FileSystem,
  directories: readonly string[],
  heirs: Map<RuntimeName, Journal>,
): Promise<void> {
  for (const [runtime, heir] of heirs) {
    const next = [...new Set([...heir.directories, ...directories])]
    await rewrite(fileSystem, runtime, heirs, { ...heir, directories: next })
  }
}

async function rewrite(
  fileSystem: FileSystem,
  runtime: RuntimeName,
  journals: Map<RuntimeName, Journal>,
  next: Journal,
): Promise<void> {
  if (JSON.stringify(next) === JSON.stringify(journals.get(runtime))) return
  await writeJournal(fileSystem, runtime, next)
  journals.set(runtime, next)
}

/** Removes the directories that are empty, innermost first. Returns those that are not. */
async function removeDirectories(fileSystem: FileSystem, directories: readonly string[]): Promise<string[]> {
  const left: string[] = []
  for (const directory of directories.toSorted((one, other) => other.length - one.length)) {
    if (!(await fileSystem.removeEmptyDirectory(directory))) left.push(directory)
  }
  return left
}
