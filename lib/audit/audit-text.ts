import { printable } from '../terminal/format.ts'
import { tableLines } from '../terminal/table.ts'
import type { AuditRecord } from './audit-record.ts'
import type { AuditProof } from './verify-audit.ts'

/** Records for people, one a line. */
export function auditTable(records: readonly AuditRecord[]): string {
  const rows = records.map(({ time, who, action, target, outcome }) => [
    time.slice(0, 19).replace('T', ' '),
    whoText(who),
    outcome.status === 0 ? '-' : `${outcome.status}${outcome.code === undefined ? '' : ` ${outcome.code}`}`,
    action,
    target,
  ])
  return leftTable([['TIME (UTC)', 'WHO', 'OUTCOME', 'ACTION', 'TARGET'], ...rows])
}

/** What was found, for people. */
export function proofText({ lines, fromStart, cutOff, last }: AuditProof): string {
  const begin = fromStart ? 'from the first' : 'from the oldest that is kept'
  const cut = cutOff === 0 ? '' : `, ${cutOff} of them cut off by a crash`
  return `${lines} records hang together, ${begin} to the last${cut}; sha256 of the last: ${last}\n`
}

function whoText({ kind, id, address }: AuditRecord['who']): string {
  if (kind === 'program') return kind
  const name = kind === 'anonymous' || id === address ? kind : `${kind} ${id}`
  return address === 'socket' ? name : `${name} from ${address}`
}

function leftTable(rows: readonly string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => printable(row[column] ?? '').length))) ?? []
  const padded = rows.map(row => row.map((cell, column) => printable(cell).padEnd(widths[column] ?? 0)))
  return tableLines(padded)
    .map(line => `${line.trimEnd()}\n`)
    .join('')
}
