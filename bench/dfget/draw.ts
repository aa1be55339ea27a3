import { formatBytes, formatElapsed } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import { machineLine } from '../measure/machine-line.ts'
import type { dfgetJson } from './figures.ts'

type Json = ReturnType<typeof dfgetJson>

/** The figures for people: a table for each part that was measured, and the conditions. */
export function drawDfget(json: Json): string {
  const parts = [singleLines(json), eightLines(json), startLines(json), smallLines(json)].filter(
    lines => lines.length > 0,
  )
  return `${[...parts.map(lines => lines.join('\n')), machineLine(json)].join('\n\n')}\n`
}

function singleLines({ single }: Json): string[] {
  if (single === null) return []
  const { sizeBytes, curlMs, aria2cMs, dfgetMs, ratioToCurl } = single
  const time = (ms: number | null) => (ms === null ? 'not installed' : formatElapsed(ms))
  return tableLines([
    [`one reader, ${formatBytes(sizeBytes)} over 400 Mbit/s`, 'time'],
    ['curl', time(curlMs)],
    ['aria2c', time(aria2cMs)],
    ['dfget', time(dfgetMs)],
    ['dfget ÷ curl', ratioToCurl?.toFixed(3) ?? ''],
  ])
}

function eightLines({ eight }: Json): string[] {
  if (eight === null) return []
  const { oneHost, eightHosts, boundMs, sizeBytes } = eight
  const row = (name: string, { makespanMs, ratioToBound, originRatio }: typeof oneHost) => [
    name,
    formatElapsed(makespanMs),
    ratioToBound.toFixed(3),
    originRatio.toFixed(4),
  ]
  return [
    ...tableLines([
      [`eight readers, ${formatBytes(sizeBytes)} over 100 Mbit/s`, 'all done', '÷ bound', 'copies from the origin'],
      row('on one host', oneHost),
      row('on eight hosts', eightHosts),
    ]),
    `The bound is ${formatElapsed(boundMs)}: one copy over one link.`,
  ]
}

function startLines({ start }: Json): string[] {
  if (start === null) return []
  const row = (name: string, { medianMs, p95Ms }: typeof start.alone) => [name, medianMs.toFixed(0), p95Ms.toFixed(0)]
  return tableLines([
    ['from the start to the first request, ms', 'median', '95 %'],
    row('alone', start.alone),
    ...(start.withDaemon === null ? [] : [row('with a dfdaemon', start.withDaemon)]),
  ])
}

function smallLines({ small }: Json): string[] {
  if (small === null) return []
  const { files, wget, first, second, ratioFirstToWget, ratioSecondToFirst } = small
  const row = (name: string, { elapsedMs, originRequests, originBytes }: typeof wget, ratio: string) => [
    name,
    formatElapsed(elapsedMs),
    `${originRequests}`,
    formatBytes(originBytes),
    ratio,
  ]
  return tableLines([
    [`${files} files of 1 to 9 KiB`, 'time', 'requests', 'from the origin', ''],
    row('wget', wget, ''),
    row('dfget, first node', first, `${ratioFirstToWget} × wget`),
    row('dfget, second node', second, `${ratioSecondToFirst} × first`),
  ])
}
