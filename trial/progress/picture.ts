import { formatBytes, formatElapsed, formatShare } from '../../lib/terminal/format.ts'
import { progressBar, SOURCES } from './bar.ts'
import { downloadedBytes, type NodeSnapshot, type TrialSnapshot } from './snapshot.ts'
import { clip, type Line, type Span, span } from './text.ts'

/** The space for a picture, in characters. */
export interface PictureSize {
  readonly columns: number
  readonly rows: number
}

const PERCENT_WIDTH = 7
const RATE_WIDTH = 14
const SHARE_WIDTHS = [10, 13, 10]
const MIN_BAR_WIDTH = 10
const MAX_BAR_WIDTH = 60
/** Lines of a picture beside those of its nodes: heading, origin, and one for nodes that have no room. */
const OTHER_LINES = 3

/**
 * The live picture: a heading, a line for each node, a line for the origin. It fits the terminal: narrow ones lose the shares
 * and then the end of the lines, low ones lose the last nodes. Each picture of the same size has the same number of lines.
 */
export function drawPicture(snapshot: TrialSnapshot, size: PictureSize): Line[] {
  const { nodes } = snapshot
  const nameWidth = Math.max(...nodes.map(({ name }) => name.length), 'registry'.length) + 4
  const shareWidth = SHARE_WIDTHS.reduce((sum, width) => sum + width, 0)
  const fixed = nameWidth + PERCENT_WIDTH + RATE_WIDTH
  const withShares = size.columns >= fixed + shareWidth + MIN_BAR_WIDTH
  const room = size.columns - fixed - (withShares ? shareWidth : 0)
  const barWidth = Math.min(Math.max(room, MIN_BAR_WIDTH), MAX_BAR_WIDTH)

  const heading = [
    span('rate'.padStart(nameWidth + barWidth + PERCENT_WIDTH + RATE_WIDTH), 'dim'),
    ...(withShares ? SOURCES.flatMap(legend) : []),
  ]
  const shown = nodes.slice(0, Math.max(1, Math.min(nodes.length, size.rows - OTHER_LINES - 1)))
  const lines: Line[] = [heading]
  for (const node of shown) {
    const shares = withShares ? shareColumns(node) : []
    lines.push([span(`  ${node.name}`.padEnd(nameWidth)), ...progressBar(node, barWidth), ...numbers(node), ...shares])
  }
  if (shown.length < nodes.length) lines.push([span(`  and ${nodes.length - shown.length} more`, 'dim')])
  lines.push(originLine(snapshot, nameWidth))
  return lines.map(line => clip(line, size.columns))
}

/** The heading of a column of shares, which also tells how the bars draw them. */
function legend({ glyph, name, style }: (typeof SOURCES)[number], index: number): Span[] {
  return [span(glyph.padStart((SHARE_WIDTHS[index] ?? 0) - name.length - 1), style), span(` ${name}`, 'dim')]
}

function numbers({ state, receivedBytes, imageBytes, bytesPerSecond }: NodeSnapshot): Span[] {
  const percent = state === 'failed' ? 'failed' : formatShare(receivedBytes, imageBytes)
  const style = state === 'failed' ? 'red' : state === 'verified' ? 'green' : undefined
  return [span(percent.padStart(PERCENT_WIDTH), style), span(`${formatBytes(bytesPerSecond)}/s`.padStart(RATE_WIDTH))]
}

function shareColumns({ sources }: NodeSnapshot): Span[] {
  const downloaded = downloadedBytes(sources)
  return SOURCES.map(({ field, style }, index) => {
    const share = downloaded === 0 ? '–' : `${Math.round((sources[field] / downloaded) * 100)} %`
    return span(share.padStart(SHARE_WIDTHS[index] ?? 0), sources[field] === 0 ? 'dim' : style)
  })
}

function originLine({ origin, nodes, elapsedMs }: TrialSnapshot, nameWidth: number): Line {
  const imageBytes = Math.max(...nodes.map(node => node.imageBytes))
  const copies = imageBytes === 0 ? '' : `, ${(origin.sentBytes / imageBytes).toFixed(2)} copies of the image`
  return [
    span('  registry'.padEnd(nameWidth)),
    span(`${formatBytes(origin.sentBytes)} sent${copies}`, 'yellow'),
    span(`, ${formatBytes(origin.bytesPerSecond)}/s, after ${formatElapsed(elapsedMs)}`, 'dim'),
  ]
}

/** One line on how far the trial is, for what is no terminal. */
export function describeProgress({ nodes, origin, elapsedMs }: TrialSnapshot): string {
  const percents = nodes.map(({ receivedBytes, imageBytes }) =>
    imageBytes === 0 ? 0 : Math.floor((receivedBytes / imageBytes) * 100),
  )
  const from = Math.min(...percents)
  const to = Math.max(...percents)
  const verified = nodes.filter(({ state }) => state === 'verified').length
  const range = from === to ? `${from} %` : `${from} to ${to} %`
  const sent = `registry sent ${formatBytes(origin.sentBytes)}`
  return `${formatElapsed(elapsedMs)}: nodes at ${range}, ${verified} of ${nodes.length} done, ${sent}`
}
