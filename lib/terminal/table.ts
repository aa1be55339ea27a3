/** A row of a table: its first cell stands left. */
export type TableRow = readonly string[]

/**
 * Lines of a table with columns as wide as their widest cell.
 * @param side on which cells after the first stand: words are read from the left, numbers from the right
 */
export function tableLines(rows: readonly TableRow[], side: 'left' | 'right' = 'right'): string[] {
  const count = Math.max(0, ...rows.map(row => row.length))
  const widths = Array.from({ length: count }, (_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row =>
    widths
      .map((width, column) =>
        column === 0 || side === 'left' ? (row[column] ?? '').padEnd(width) : (row[column] ?? '').padStart(width),
      )
      .join('   ')
      .trimEnd(),
  )
}
