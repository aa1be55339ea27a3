import type { TrialConfig } from './config.ts'
import type { PictureSize } from './progress/picture.ts'
import { type Line, print } from './progress/text.ts'

/** Where a trial writes for people. */
export interface Output {
  readonly isTerminal: boolean
  /** Size of the terminal now; without a terminal there is no bound. */
  size(): PictureSize
  /** A line as text, coloured where that is wanted. */
  print(line: Line): string
  write(text: string): void
  /** Writes lines, each with its end. */
  lines(lines: readonly Line[]): void
  /** Writes one line to stdout for programs. */
  result(json: unknown): void
}

/** Of a terminal that does not tell. */
const DEFAULT_SIZE: PictureSize = { columns: 80, rows: 24 }
const UNBOUNDED: PictureSize = { columns: Infinity, rows: Infinity }

/** Writes to stdout, or to stderr when stdout is for JSON. Colour only on a terminal and without NO_COLOR (no-color.org). */
export function createOutput({ json }: Pick<TrialConfig, 'json'>): Output {
  const stream = json ? process.stderr : process.stdout
  const isTerminal = stream.isTTY === true
  const colour = isTerminal && (process.env.NO_COLOR ?? '') === ''
  const printLine = (line: Line) => print(line, { colour })
  return {
    isTerminal,
    size() {
      if (!isTerminal) return UNBOUNDED
      return { columns: stream.columns || DEFAULT_SIZE.columns, rows: stream.rows || DEFAULT_SIZE.rows }
    },
    print: printLine,
    write: text => void stream.write(text),
    lines: lines => void stream.write(lines.map(line => `${printLine(line)}\n`).join('')),
    result: value => void process.stdout.write(`${JSON.stringify(value)}\n`),
  }
}
