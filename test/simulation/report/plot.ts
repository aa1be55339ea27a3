import type { Figures } from './figures.ts'
import type { Sample } from './samples.ts'

const WIDTH = 860
const HEIGHT = 300
const LEFT = 60
const RIGHT = 20
const TOP = 40
const BOTTOM = 40
const GAP = 30
const STEPS = 4

interface Curve {
  readonly label: string
  readonly colour: string
  readonly value: (sample: Sample) => number
}

const COMPLETION: readonly Curve[] = [
  { label: 'nodes that have everything', colour: '#1f6feb', value: ({ complete }) => complete },
]

const RARITY: readonly Curve[] = [
  { label: 'holders of an average block', colour: '#2da44e', value: ({ mean }) => mean },
  { label: 'holders of the rarest block', colour: '#cf222e', value: ({ rarest }) => rarest },
]

/** A run as a picture: completion and rarity of blocks over time, and the physical limit. An SVG document. */
export function drawPlot(figures: Figures, samples: readonly Sample[]): string {
  const lastMs = Math.max(figures.boundMs, ...samples.map(({ atMs }) => atMs))
  const height = 2 * HEIGHT + GAP
  const title = `${figures.scenario}: ${figures.peers} nodes, ${figures.blocks} blocks, seed ${figures.seed}`
  const summary = `p50 ${figures.p50Ratio} × the limit of ${Math.round(figures.boundMs)} ms (${figures.boundBy}), p99.9 ${figures.p999Ratio} ×`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    text(LEFT, 18, `${title} — ${summary}`, 'font-weight="bold"'),
    chart(COMPLETION, samples, { top: 0, lastMs, boundMs: figures.boundMs }),
    chart(RARITY, samples, { top: HEIGHT + GAP, lastMs, boundMs: figures.boundMs }),
    '</svg>\n',
  ].join('\n')
}

interface Frame {
  readonly top: number
  readonly lastMs: number
  readonly boundMs: number
}

function chart(curves: readonly Curve[], samples: readonly Sample[], { top, lastMs, boundMs }: Frame): string {
  const x = (atMs: number) => LEFT + (atMs / lastMs) * (WIDTH - LEFT - RIGHT)
  const y = (share: number) => top + HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
  const parts: string[] = []
  for (let step = 0; step <= STEPS; step++) {
    const share = step / STEPS
    parts.push(line(LEFT, y(share), WIDTH - RIGHT, y(share), '#d0d7de'))
    parts.push(text(LEFT - 6, y(share) + 4, `${share * 100} %`, 'text-anchor="end"'))
    parts.push(
      text(x(lastMs * share), top + HEIGHT - BOTTOM + 16, `${seconds(lastMs * share)} s`, 'text-anchor="middle"'),
    )
  }
  parts.push(line(x(boundMs), y(0), x(boundMs), y(1), '#8250df', 'stroke-dasharray="5 4"'))
  parts.push(text(x(boundMs) - 6, y(0.5), 'limit', 'text-anchor="end" fill="#8250df"'))
  curves.forEach(({ label, colour, value }, index) => {
    const points = samples.map(sample => `${x(sample.atMs).toFixed(1)},${y(value(sample)).toFixed(1)}`).join(' ')
    parts.push(`<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    parts.push(text(LEFT + 10, top + TOP + 14 + index * 16, label, `fill="${colour}"`))
  })
  return parts.join('\n')
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, rest = ''): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${colour}" ${rest}/>`
}

function text(x: number, y: number, content: string, rest: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${rest}>${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function seconds(atMs: number): string {
  return (atMs / 1000).toFixed(1)
}
