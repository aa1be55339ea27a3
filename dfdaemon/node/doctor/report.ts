import { styleText } from 'node:util'
import { printable } from '../../../lib/terminal/format.ts'
import type { Finding, Status } from './finding.ts'

/** How a report is written. */
export interface ReportInit {
  readonly colour: boolean
  /** Width of the terminal; infinite where there is none, so that each finding is one line. */
  readonly columns: number
}

const COLOURS: Readonly<Record<Status, 'green' | 'yellow' | 'red'>> = { ok: 'green', warn: 'yellow', fail: 'red' }
const STATUS_COLUMNS = 4
/** Text that is wrapped into less cannot be read. */
const MIN_TEXT_COLUMNS = 20

/** The findings for people: one below the other, each with the command that mends it under it. */
export function reportText(findings: readonly Finding[], { colour, columns }: ReportInit): string {
  const checkColumns = Math.max(0, ...findings.map(({ check }) => check.length))
  const indent = ' '.repeat(STATUS_COLUMNS + checkColumns + 4)
  const textColumns = Math.max(MIN_TEXT_COLUMNS, columns - indent.length)
  const lines = findings.flatMap(({ check, status, what, mend }) => {
    const [first = '', ...more] = wrapped(printable(what), textColumns)
    const mark = status.padEnd(STATUS_COLUMNS)
    const shown = colour ? styleText(COLOURS[status], mark, { validateStream: false }) : mark
    return [
      `${shown}  ${check.padEnd(checkColumns)}  ${first}`,
      ...more.map(text => `${indent}${text}`),
      // Never wrapped, so that it can be pasted.
      ...(mend === undefined ? [] : [`${indent}> ${printable(mend)}`]),
    ]
  })
  return `${[...lines, '', summaryOf(findings)].join('\n')}\n`
}

/** The findings as one line for programs: `{ ok, findings: [{ check, status, what, mend? }] }`. */
export function reportLine(findings: readonly Finding[]): string {
  return `${JSON.stringify({ ok: !hasFailed(findings), findings })}\n`
}

/** Whether the node does not take part as it should. */
export function hasFailed(findings: readonly Finding[]): boolean {
  return findings.some(({ status }) => status === 'fail')
}

function summaryOf(findings: readonly Finding[]): string {
  const count = (wanted: Status) => findings.filter(({ status }) => status === wanted).length
  const [failed, warned] = [count('fail'), count('warn')]
  if (failed + warned === 0) return 'All is well.'
  const warnings = `${warned} warning${warned === 1 ? '' : 's'}`
  return `${failed} failed, ${warnings}, ${count('ok')} ok.`
}

function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
