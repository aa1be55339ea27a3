import { hashOfLine, NO_LINE, parseAuditLine } from './audit-record.ts'
import type { AuditLine } from './read-audit.ts'

/** What a look at the chain of an audit log found. */
export interface AuditProof {
  /** Lines that hang together; all of them when nothing is broken. */
  readonly lines: number
  /** Whether the log begins with its first line; older ones go when it has grown. */
  readonly fromStart: boolean
  /** Lines that a crash cut off. They are where the chain says, so they were cut when they were written. */
  readonly cutOff: number
  /** Where the chain breaks first. */
  readonly broken: { readonly file: string; readonly number: number; readonly reason: string } | undefined
  /** Hash of the last line that hangs together. Kept elsewhere, it shows later whether the end is missing. */
  readonly last: string
}

/** Checks that each line of a log has the hash of the one before it. @param lines all, the oldest first */
export async function verifyAudit(lines: AsyncIterable<AuditLine>): Promise<AuditProof> {
  let previous: string | undefined
  let fromStart = false
  let count = 0
  let cutOff = 0
  let unread: AuditLine | undefined
  const proof = (broken?: AuditProof['broken']): AuditProof => ({
    lines: count,
    fromStart,
    cutOff,
    broken,
    last: previous ?? NO_LINE,
  })
  for await (const line of lines) {
    const record = parseAuditLine(line.text)
    if (record !== undefined) {
      if (previous === undefined) fromStart = record.previous === NO_LINE
      else if (record.previous !== previous) return proof(breakAt(unread ?? line, unread !== undefined))
      if (unread !== undefined) cutOff++
      unread = undefined
    } else if (unread === undefined) {
      // The line after it says whether it was written so.
      unread = line
    } else {
      return proof(breakAt(unread, true))
    }
    previous = hashOfLine(line.text)
    count++
  }
  return unread === undefined ? proof() : proof(breakAt(unread, true))
}

function breakAt({ file, number }: AuditLine, isUnread: boolean): AuditProof['broken'] {
  const reason = isUnread ? 'is no record' : 'does not follow the line before it'
  return { file, number, reason }
}
