import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'

const HashField = Type.String({ pattern: '^[0-9a-f]{64}$' })

/**
 * One line of an audit log: who did what, and what came of it. Never a body, a query, a header or a secret. `previous` is the sha256 of the
 * line before, without its end, so that no line can be changed, left out or put in without the next one showing it.
 */
export const AuditRecord = Type.Object({
  time: Type.String({ format: 'date-time' }),
  program: Type.String(),
  /** What proved who it was, and a name for him that is no secret. */
  who: Type.Object({ kind: Type.String(), id: Type.String(), address: Type.String() }),
  /** The route, as `PUT /api/v1/tasks/:id`, or what the log itself has to say, as `log opened`. */
  action: Type.String(),
  /** What it was done to; empty where the action says all. */
  target: Type.String(),
  outcome: Type.Object({
    /** Of HTTP; 0 for what the log itself says. */
    status: Type.Integer(),
    /** Of the error table, where it failed. */
    code: Type.Optional(Type.String()),
  }),
  previous: HashField,
})
export type AuditRecord = Static<typeof AuditRecord>

/** What is recorded; the log adds when, where and the chain. */
export type AuditEvent = Pick<AuditRecord, 'who' | 'action' | 'target' | 'outcome'>

/** What the first line of a log has in place of the hash of a line before it. */
export const NO_LINE = '0'.repeat(64)

const schema = Compile(AuditRecord)

/** The hash of a line, without its end. */
export function hashOfLine(line: Uint8Array | string): string {
  return createHash('sha256').update(line).digest('hex')
}

/** Reads a line. @returns undefined for what is no record, such as the beginning of one that a crash cut off */
export function parseAuditLine(line: string): AuditRecord | undefined {
  try {
    const record: unknown = JSON.parse(line)
    return schema.Check(record) ? record : undefined
  } catch {
    return undefined
  }
}
