import { unifiedDiff } from './unified-diff.ts'

/** What a report says of one file. */
export interface ReportedFile {
  readonly path: string
  readonly change: string
  readonly before: { readonly bytes: Uint8Array } | undefined
  readonly after: Uint8Array | undefined
}

/** What became, or would become, of a runtime's files. */
export interface Report {
  readonly files: readonly ReportedFile[]
  readonly notes: readonly string[]
  readonly commands: readonly string[]
}

/** How a report is written. */
export interface ReportInit {
  /** The first line. */
  readonly title: string
  /** Whether only the differences are shown, because nothing was changed. */
  readonly dryRun: boolean
}

/** A report for people. */
export function reportText({ files, notes, commands }: Report, { title, dryRun }: ReportInit): string {
  const width = Math.max(...files.map(({ change }) => change.length))
  const lines = files.map(({ path, change }) => `  ${change.padEnd(width)}  ${path}\n`)
  const diffs = dryRun ? files.map(diffOf).filter(diff => diff !== '') : []
  const next = commands.map(command => `${dryRun ? 'Then run' : 'Now run'}: ${command}\n`)
  return [
    `${title}\n`,
    ...lines,
    ...diffs.map(diff => `\n${diff}`),
    ...notes.map(note => `Note: ${note}\n`),
    ...next,
  ].join('')
}

/** A report as one line for programs. */
export function reportLine({ files, ...report }: Report, fields: Readonly<Record<string, unknown>>): string {
  const changes = files.map(({ path, change }) => ({ path, change }))
  return `${JSON.stringify({ ...fields, files: changes, notes: report.notes, commands: report.commands })}\n`
}

function diffOf({ path, before, after }: ReportedFile): string {
  const text = (bytes: Uint8Array | undefined) =>
    bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8')
  return unifiedDiff(path, text(before?.bytes), text(after))
}
