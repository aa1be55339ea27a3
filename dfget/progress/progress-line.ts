import { formatBytes, formatDuration, formatShare, printable } from '../../lib/terminal/format.ts'
import type { Account } from '../peer/task/account.ts'

/** How far a download is. */
export interface Progress {
  /** What the user calls it. */
  readonly name: string
  /** Bytes in the output. */
  readonly doneBytes: number
  /** Undefined when the origin does not tell. */
  readonly sizeBytes: number | undefined
  readonly bytesPerSecond: number | undefined
  readonly account: Readonly<Account>
}

const BAR_COLUMNS = 24
const MIN_BAR_COLUMNS = 8
const MAX_NAME_COLUMNS = 30
const MIN_NAME_COLUMNS = 8

/** The line that is shown while a download runs, at most `columns` characters long. */
export function progressLine(progress: Progress, columns: number): string {
  const { doneBytes, sizeBytes } = progress
  const facts = [amountText(doneBytes, sizeBytes), ...paceTexts(progress), peerText(progress.account)]
  const percent = sizeBytes === undefined ? '' : `${percentText(doneBytes, sizeBytes)} `
  const tail = facts.filter(fact => fact !== '').join('  ')
  const room = columns - percent.length - tail.length - 2

  const bar = sizeBytes === undefined ? 0 : Math.min(BAR_COLUMNS, room - MIN_NAME_COLUMNS - 1)
  const barText = bar < MIN_BAR_COLUMNS ? '' : `${barOf(doneBytes, sizeBytes ?? 0, bar)}  `
  const nameRoom = Math.min(MAX_NAME_COLUMNS, room + 1 - barText.length)
  const nameText = nameRoom < MIN_NAME_COLUMNS ? '' : `${shortened(printable(progress.name), nameRoom)} `
  return `${nameText}${percent}${barText}${tail}`.slice(0, Math.max(0, columns))
}

/** The line that is left when a download is complete. */
export function summaryLine(progress: Progress, durationMs: number): string {
  const { name, doneBytes, account } = progress
  const rate = durationMs > 0 ? ` (${formatBytes((doneBytes / durationMs) * 1000)}/s)` : ''
  const sources = sourcesText(account)
  const text = `${printable(name)}: ${formatBytes(doneBytes)} in ${formatDuration(durationMs)}${rate}`
  return sources === '' ? text : `${text}; ${sources}`
}

function percentText(doneBytes: number, sizeBytes: number): string {
  const share = sizeBytes === 0 ? '100 %' : formatShare(doneBytes, sizeBytes)
  return share.replace(' ', '').padStart(4)
}

function amountText(doneBytes: number, sizeBytes: number | undefined): string {
  return sizeBytes === undefined ? formatBytes(doneBytes) : `${formatBytes(doneBytes)} of ${formatBytes(sizeBytes)}`
}

function paceTexts({ doneBytes, sizeBytes, bytesPerSecond }: Progress): string[] {
  if (bytesPerSecond === undefined) return []
  const rate = `${formatBytes(bytesPerSecond)}/s`
  if (sizeBytes === undefined || bytesPerSecond <= 0) return [rate]
  return [rate, `ETA ${formatDuration(((sizeBytes - doneBytes) / bytesPerSecond) * 1000)}`]
}

function peerText(account: Readonly<Account>): string {
  const received = totalOf(account) - account.diskBytes
  return received === 0 ? '' : `peers ${formatShare(account.peerBytes, received)}`
}

function sourcesText(account: Readonly<Account>): string {
  const total = totalOf(account)
  const parts = [
    ['from peers', account.peerBytes],
    ['from the supernode', account.supernodeBytes],
    ['from the origin', account.originBytes],
    ['from this disk', account.diskBytes],
  ] as const
  return parts
    .filter(([, bytes]) => bytes > 0)
    .map(([source, bytes]) => `${formatShare(bytes, total)} ${source}`)
    .join(', ')
}

function totalOf({ diskBytes, peerBytes, supernodeBytes, originBytes }: Readonly<Account>): number {
  return diskBytes + peerBytes + supernodeBytes + originBytes
}

function barOf(doneBytes: number, sizeBytes: number, columns: number): string {
  const inner = columns - 2
  const filled = sizeBytes === 0 ? inner : Math.min(inner, Math.floor((doneBytes / sizeBytes) * inner))
  return `[${'#'.repeat(filled)}${'-'.repeat(inner - filled)}]`
}

/** Keeps the end of a name, where its extension is. */
function shortened(name: string, columns: number): string {
  const letters = [...name]
  return letters.length <= columns ? name : `…${letters.slice(1 - columns).join('')}`
}
