/** A row of a table: its first cell stands left, the others right. */
export type TableRow = readonly string[]

/** Lines of a table with columns as wide as their widest cell. */
export function tableLines(rows: readonly TableRow[]): string[] {
  const count = Math.max(0, ...rows.map(row => row.length))
  const widths = Array.from({ length: count }, (_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row =>
    widths
      .map((width, column) => (column === 0 ? (row[0] ?? '').padEnd(width) : (row[column] ?? '').padStart(width)))
      .join('   ')
      .trimEnd(),
  )
}
