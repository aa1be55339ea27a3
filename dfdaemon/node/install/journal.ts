import { createHash } from 'node:crypto'
import { dirname } from 'node:path/posix'
import { type Static, Type } from 'typebox'
import type { StoredFile } from './file-system.ts'

const AbsolutePath = Type.String({ pattern: '^/' })

const JournalEntry = Type.Object(
  {
    path: AbsolutePath,
    /** The file before the install; null when there was none. */
    original: Type.Union([
      Type.Object(
        { base64: Type.String(), mode: Type.Integer(), uid: Type.Integer(), gid: Type.Integer() },
        { additionalProperties: false },
      ),
      Type.Null(),
    ]),
    /** sha256 (hex) of every content that an install meant to write. Other bytes are somebody else's. */
    written: Type.Array(Type.String()),
  },
  { additionalProperties: false },
)
/** How to put one file back. */
export type JournalEntry = Static<typeof JournalEntry>

/** What a journal file holds. */
export const Journal = Type.Object(
  {
    version: Type.Literal(1),
    mirror: Type.String(),
    entries: Type.Array(JournalEntry),
    /** Directories that were made, and go when they are empty. */
    directories: Type.Array(AbsolutePath),
    /** What makes the runtime read its files again. */
    commands: Type.Array(Type.String()),
  },
  { additionalProperties: false },
)
/** What an install did or was about to do. Written before the first change, removed after the last one is undone. */
export type Journal = Static<typeof Journal>

/** An entry for a file that no install has touched yet. */
export function newEntry(path: string, original: StoredFile | undefined): JournalEntry {
  if (original === undefined) return { path, original: null, written: [] }
  const { bytes, mode, uid, gid } = original
  return { path, original: { base64: Buffer.from(bytes).toString('base64'), mode, uid, gid }, written: [] }
}

/** The file that an entry puts back; undefined when there was none. */
export function originalOf({ original }: JournalEntry): StoredFile | undefined {
  if (original === null) return undefined
  const { base64, ...attributes } = original
  return { bytes: Buffer.from(base64, 'base64'), ...attributes }
}

/** An entry that also knows these contents as ours. */
export function withWritten(entry: JournalEntry, digests: readonly string[]): JournalEntry {
  return { ...entry, written: [...new Set([...entry.written, ...digests])] }
}

/** Whose bytes a file has: those from before the install, those of an install, or somebody else's. */
export function stateOf(entry: JournalEntry, current: StoredFile | undefined): 'original' | 'installed' | 'foreign' {
  const original = originalOf(entry)
  if (current === undefined) return original === undefined ? 'original' : 'foreign'
  if (original !== undefined && Buffer.compare(original.bytes, current.bytes) === 0) return 'original'
  return entry.written.includes(contentDigest(current.bytes)) ? 'installed' : 'foreign'
}

export function contentDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The directories above a path, outermost first, without the root itself. */
export function directoriesAbove(path: string): string[] {
  const parent = dirname(path)
  return parent === '/' ? [] : [...directoriesAbove(parent), parent]
}
