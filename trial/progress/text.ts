import { styleText } from 'node:util'
import { printable } from '../../lib/terminal/format.ts'

/** How a piece of text looks where colour is allowed. */
export type Style = 'bold' | 'dim' | 'green' | 'cyan' | 'yellow' | 'red'

/** A piece of a line. */
export interface Span {
  readonly text: string
  readonly style?: Style
}

/** A line for the terminal. Widths are counted on its text, so that colour never moves anything. */
export type Line = readonly Span[]

/** A piece of a line. */
export function span(text: string, style?: Style): Span {
  return style === undefined ? { text } : { text, style }
}

/** The part of a line that fits into `columns`. */
export function clip(line: Line, columns: number): Line {
  const clipped: Span[] = []
  let left = columns
  for (const part of line) {
    const text = part.text.slice(0, left)
    left -= text.length
    if (text !== '') clipped.push({ ...part, text })
  }
  return clipped
}

/** A line as it is written out. What a terminal would obey instead of show, as an error of a registry may have, becomes `?`. */
export function print(line: Line, { colour }: { colour: boolean }): string {
  return line
    .map(({ text, style }) => {
      const shown = printable(text)
      return colour && style !== undefined ? styleText(style, shown, { validateStream: false }) : shown
    })
    .join('')
}
