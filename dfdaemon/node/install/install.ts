import { DamselflyError } from '../../../protocol/errors.ts'
import { createConfigFiles } from './config-files.ts'
import type { FileSystem, StoredFile } from './file-system.ts'
import { contentDigest, type Journal, type JournalEntry, newEntry, stateOf, withWritten } from './journal.ts'
import { journalPath, readJournals, writeJournal } from './journal-store.ts'
import { makeDirectories, missingAbove } from './make-directories.ts'
import type { PlanRequest, RuntimeName } from './plan.ts'
import { PLANNERS } from './runtimes/planners.ts'

const CONFIG_FILE = { mode: 0o644, uid: -1, gid: -1 }

export interface InstallInit {
  readonly runtime: RuntimeName
  readonly request: PlanRequest
  /** Whether to find out only. */
  readonly dryRun: boolean
}

/** What becomes, or would become, of one file. */
export interface FileChange {
  /** Without symbolic links. */
  readonly path: string
  readonly change: 'created' | 'changed' | 'unchanged'
  readonly before: StoredFile | undefined
  readonly after: Uint8Array
}

/** What an install did, or would do. */
export interface InstallReport {
  readonly files: readonly FileChange[]
  readonly notes: readonly string[]
  /** What the operator has to run now. */
  readonly commands: readonly string[]
}

/**
 * Points a runtime at the dfdaemon. Before the first change a journal says how to undo all of them, so that an install that is
 * cut off at any point is undone by `uninstall` and completed by another `install`. Where nothing is to be done, nothing is written.
 * @throws DamselflyError CONFIG_INVALID (nothing was changed), OUTPUT_FAILED
 */
export async function install(
  { fileSystem }: { readonly fileSystem: FileSystem },
  { runtime, request, dryRun }: InstallInit,
): Promise<InstallReport> {
  const journals = await readJournals(fileSystem)
  const before = journals.get(runtime)
  if (before !== undefined && before.mirror !== request.mirror) {
    const advice = `run "dfdaemon uninstall ${runtime}" first`
    throw new DamselflyError('CONFIG_INVALID', `${runtime} is installed for ${before.mirror} already; ${advice}`)
  }
  const plan = await PLANNERS[runtime](createConfigFiles(fileSystem), request)
  const files: FileChange[] = []
  for (const { path, text } of plan.files) files.push(await changeOf(fileSystem, path, Buffer.from(text)))
  const changes = files.filter(({ change }) => change !== 'unchanged')

  const others = [...journals].filter(([name]) => name !== runtime).flatMap(([, { entries }]) => entries)
  const entries = nextEntries(files, before?.entries ?? [], others)
  const notes = [...plan.notes, ...rebased(changes, before).map(rebaseNote)]
  const report = { files, notes, commands: changes.length > 0 || dryRun ? plan.commands : [] }
  const isNews = JSON.stringify(entries) !== JSON.stringify(before?.entries ?? [])
  if (dryRun || (changes.length === 0 && !isNews)) return report

  const directories = new Set(before?.directories)
  for (const path of [journalPath(runtime), ...changes.map(change => change.path)]) {
    for (const directory of await missingAbove(fileSystem, path)) directories.add(directory)
  }
  const commands = [...new Set([...(before?.commands ?? []), ...plan.commands])]
  const journal: Journal = { version: 1, mirror: request.mirror, entries, directories: [...directories], commands }
  await writeJournal(fileSystem, runtime, journal)
  try {
    for (const change of changes) await apply(fileSystem, change)
  } catch (error) {
    const reason = error instanceof DamselflyError ? error.detail : (error as Error).message
    const advice = `install again to complete it, or undo it with "dfdaemon uninstall ${runtime}"`
    throw new DamselflyError('OUTPUT_FAILED', `${reason}; the install is incomplete: ${advice}`, { cause: error })
  }
  return report
}

async function changeOf(fileSystem: FileSystem, wanted: string, after: Uint8Array): Promise<FileChange> {
  const path = await fileSystem.resolve(wanted)
  const before = await fileSystem.read(path)
  if (before === undefined) return { path, change: 'created', before, after }
  return { path, change: Buffer.compare(before.bytes, after) === 0 ? 'unchanged' : 'changed', before, after }
}

/** What the journal says of every file after this install: what it said before, and what this one adds. */
function nextEntries(
  files: readonly FileChange[],
  before: readonly JournalEntry[],
  others: readonly JournalEntry[],
): JournalEntry[] {
  const entries = new Map(before.map(entry => [entry.path, entry]))
  for (const file of files) {
    const entry = nextEntry(file, entries.get(file.path), others)
    if (entry !== undefined) entries.set(file.path, entry)
  }
  return [...entries.values()]
}

function nextEntry(
  { path, change, before, after }: FileChange,
  known: JournalEntry | undefined,
  others: readonly JournalEntry[],
): JournalEntry | undefined {
  const digest = contentDigest(after)
  if (known !== undefined && (change === 'unchanged' || stateOf(known, before) !== 'foreign')) {
    return change === 'unchanged' ? known : withWritten(known, [digest])
  }
  // podman and CRI-O share a file: whoever is uninstalled last brings back what was there before both.
  const shared = others.find(entry => entry.path === path && stateOf(entry, before) === 'installed')
  if (shared !== undefined) return withWritten(shared, [digest])
  // A file that has what is wanted, but not from us, stays out of the journal and so stays after an uninstall.
  return change === 'unchanged' ? undefined : withWritten(newEntry(path, before), [digest])
}

/** Files that somebody has changed since the last install: an uninstall must not take that away from them. */
function rebased(changes: readonly FileChange[], before: Journal | undefined): string[] {
  return changes.flatMap(({ path, before: current }) => {
    const known = before?.entries.find(entry => entry.path === path)
    return known !== undefined && stateOf(known, current) === 'foreign' ? [path] : []
  })
}

function rebaseNote(path: string): string {
  return `${path} was changed since the last install; an uninstall brings back what it has now.`
}

async function apply(fileSystem: FileSystem, { path, before, after }: FileChange): Promise<void> {
  await makeDirectories(fileSystem, path)
  await fileSystem.replace(path, { ...(before ?? CONFIG_FILE), bytes: after })
}
