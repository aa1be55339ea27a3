const CONTEXT_LINES = 3

/** A line of both files, of the old one alone, or of the new one alone. */
interface DiffLine {
  readonly sign: ' ' | '-' | '+'
  readonly text: string
}

/**
 * The difference of two texts as `diff -u` writes it; empty when there is none. Quadratic in the lines between the first and
 * the last difference, which suits configuration files.
 * @param before undefined when there is no such file, as for `after`
 */
export function unifiedDiff(path: string, before: string | undefined, after: string | undefined): string {
  if (before === after) return ''
  const lines = diffLines(linesOf(before ?? ''), linesOf(after ?? ''))
  const names = [before === undefined ? '/dev/null' : path, after === undefined ? '/dev/null' : path]
  return `--- ${names[0]}\n+++ ${names[1]}\n${hunksOf(lines).join('')}`
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && before[head] === after[head]) head += 1
  let tail = 0
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1
  const same = (lines: readonly string[]) => lines.map(text => ({ sign: ' ', text }) as const)
  const middle = longestCommon(before.slice(head, before.length - tail), after.slice(head, after.length - tail))
  return [...same(before.slice(0, head)), ...middle, ...same(before.slice(before.length - tail))]
}

/** By the table of longest common subsequences of every pair of ends. */
function longestCommon(before: readonly string[], after: readonly string[]): DiffLine[] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1))
  const lengthAt = (row: number, column: number) => lengths[row]?.[column] ?? 0
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      const isSame = before[row] === after[column]
      const longest = isSame
        ? lengthAt(row + 1, column + 1) + 1
        : Math.max(lengthAt(row + 1, column), lengthAt(row, column + 1))
      lengths[row]?.fill(longest, column, column + 1)
    }
  }
  const lines: DiffLine[] = []
  let row = 0
  let column = 0
  while (row < before.length || column < after.length) {
    const old = before[row]
    const text = after[column]
    if (old !== undefined && old === text) {
      lines.push({ sign: ' ', text: old })
      row += 1
      column += 1
    } else if (old !== undefined && (text === undefined || lengthAt(row + 1, column) >= lengthAt(row, column + 1))) {
      lines.push({ sign: '-', text: old })
      row += 1
    } else if (text !== undefined) {
      lines.push({ sign: '+', text })
      column += 1
    }
  }
  return lines
}

function hunksOf(lines: readonly DiffLine[]): string[] {
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT_LINES), index + CONTEXT_LINES + 1).some(({ sign }) => sign !== ' '),
  )
  const hunks: string[] = []
  for (let start = 0; start < lines.length; start += 1) {
    if (!isNear[start]) continue
    let end = start
    while (isNear[end]) end += 1
    hunks.push(hunk(lines.slice(0, start), lines.slice(start, end)))
    start = end
  }
  return hunks
}

function hunk(above: readonly DiffLine[], lines: readonly DiffLine[]): string {
  const range = (other: '+' | '-') => {
    const count = lines.filter(({ sign }) => sign !== other).length
    const start = above.filter(({ sign }) => sign !== other).length + (count === 0 ? 0 : 1)
    return `${start},${count}`
  }
  const body = lines.map(
    ({ sign, text }) => sign + (text.endsWith('\n') ? text : `${text}\n\\ No newline at end of file\n`),
  )
  return `@@ -${range('+')} +${range('-')} @@\n${body.join('')}`
}
