import { formatBytes, formatElapsed } from '../../lib/terminal/format.ts'
import type { TrialSummary } from '../summary.ts'
import { SOURCES } from './bar.ts'
import { type Line, type Span, span } from './text.ts'

/** Longer lists of layers are cut; the totals below them count all. */
const MAX_BLOB_LINES = 24
const SHORT_DIGEST_LENGTH = 'sha256:'.length + 12
const MIB = 1024 * 1024

/**
 * The report at the end: a table of the nodes, one of the blobs, and what it comes to in plain English. It is not cut to the
 * width of the terminal, since it stays to be read.
 */
export function drawReport(summary: TrialSummary): Line[] {
  return [...nodeTable(summary), [], ...blobTable(summary), ...verdict(summary)]
}

function nodeTable({ nodes, imageBytes, sources, makespanMs }: TrialSummary): Line[] {
  const rows = nodes.map(node => [
    span(node.name),
    span(formatElapsed(node.elapsedMs)),
    node.error === undefined ? span(rate(imageBytes, node.elapsedMs)) : span('failed', 'red'),
    ...SOURCES.map(({ field }) => bytes(node.sources[field])),
  ])
  const heading = ['node', 'time', 'MiB/s', ...SOURCES.map(({ name }) => `from ${name}`)].map(text => span(text, 'dim'))
  const finished = nodes.filter(({ error }) => error === undefined).length
  const total = ['all', formatElapsed(makespanMs), rate(imageBytes * finished, makespanMs)].map(text =>
    span(text, 'bold'),
  )
  return table([
    heading,
    ...rows,
    [...total, ...SOURCES.map(({ field }) => ({ ...bytes(sources[field]), style: 'bold' as const }))],
  ])
}

function blobTable({ blobs, nodes }: TrialSummary): Line[] {
  if (blobs.length === 0) return []
  const heading = ['blob', 'kind', 'size', 'copies from registry', 'verified at'].map(text => span(text, 'dim'))
  const rows = blobs
    .slice(0, MAX_BLOB_LINES)
    .map(blob => [
      span(blob.digest.slice(0, SHORT_DIGEST_LENGTH)),
      span(blob.kind),
      span(formatBytes(blob.sizeBytes)),
      span(blob.originBytes === undefined ? 'unknown' : (blob.originBytes / blob.sizeBytes).toFixed(2)),
      span(`${blob.verifiedNodes} of ${nodes.length}`, blob.verifiedNodes === nodes.length ? 'green' : 'red'),
    ])
  const left = blobs.length - rows.length
  return [...table([heading, ...rows]), ...(left > 0 ? [[span(`  and ${left} more`, 'dim')]] : []), []]
}

function verdict(summary: TrialSummary): Line[] {
  const { nodes, blobs, imageBytes, originBytes, originRatio, p2pRatio, makespanMs, countedBy, verified } = summary
  const failed = nodes.filter(({ error }) => error !== undefined)
  const pulled = nodes.length - failed.length
  const reasons = failed.map(({ name, error }) => [span(`  ${name}: ${error?.message ?? ''}`, 'red')])
  if (pulled === 0) return [[span('No node got the image.', 'bold')], ...reasons]
  const who = pulled === 1 ? '1 node' : `${pulled} nodes`
  const each = pulled === 1 ? '' : ' each'
  const share = `${(p2pRatio * 100).toFixed(1)} % of what the nodes downloaded came from other nodes.`
  return [
    [
      span(`${who} pulled ${formatBytes(imageBytes)}${each} in ${formatElapsed(makespanMs)}; `, 'bold'),
      span(`the registry gave ${originRatio.toFixed(2)} copies.`, 'bold'),
    ],
    [span(share)],
    [span(`Bytes from the registry: ${originBytes}, by ${countedBy}.`)],
    verified
      ? [
          span('Verified', 'green'),
          span(`: manifest and all ${blobs.length} blobs hash to their digests at every node.`),
        ]
      : [span('Not verified', 'red'), span(`: ${describeFailure(summary)}`)],
    ...reasons,
  ]
}

function describeFailure({ nodes }: TrialSummary): string {
  const failed = nodes.filter(({ error }) => error !== undefined).length
  return failed === 0 ? 'the nodes hold different manifests.' : `${failed} of ${nodes.length} pulls failed.`
}

/** Columns as wide as they need: the first to the left, the others to the right. */
function table(rows: readonly (readonly Span[])[]): Line[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.text.length ?? 0)))
  return rows.map(row =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0
      const text = column === 0 ? `  ${cell.text.padEnd(width)}` : `   ${cell.text.padStart(width)}`
      return { ...cell, text }
    }),
  )
}

function bytes(count: number): Span {
  return count === 0 ? span('0 B', 'dim') : span(formatBytes(count))
}

function rate(sizeBytes: number, durationMs: number): string {
  return durationMs === 0 ? '–' : (sizeBytes / MIB / (durationMs / 1000)).toFixed(1)
}
