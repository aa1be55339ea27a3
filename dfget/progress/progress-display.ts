import type { Clock } from '../../lib/clock.ts'
import { RateMeter } from '../../lib/terminal/rate-meter.ts'
import type { Account } from '../peer/task/account.ts'
import { type Progress, progressLine, summaryLine } from './progress-line.ts'

/** Where progress is shown: standard error, or its stand-in. */
export interface ProgressStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** What is known of a download, to be read at any moment. */
export interface ProgressSource {
  /** What the user calls it. */
  readonly name: string
  readonly doneBytes: number
  readonly sizeBytes: number | undefined
  readonly account: Readonly<Account>
}

/** Shows how a download goes on. Whoever makes it ends it with `complete` or `clear`. */
export interface ProgressDisplay {
  /** Leaves the summary of a download, above the running line if others go on. */
  complete(download: ProgressSource, durationMs: number): void
  /** Takes the running line off, until it is drawn again. */
  erase(): void
  /** Takes the running line off for good. */
  clear(): void
}

const REFRESH_MS = 200
const DEFAULT_COLUMNS = 80
/** Back to the first column, and everything behind it off. */
const ERASE_LINE = '\r\x1b[2K'

/** On a terminal one line that is drawn over; elsewhere only the summary. */
export function createProgressDisplay(
  components: { stream: ProgressStream; clock: Clock },
  source: ProgressSource,
): ProgressDisplay {
  const { stream, clock } = components
  const meter = new RateMeter()
  let shown = false

  function progressOf({ name, doneBytes, sizeBytes, account }: ProgressSource): Progress {
    return { name, doneBytes, sizeBytes, account, bytesPerSecond: meter.bytesPerSecond }
  }

  function draw(): void {
    meter.add(clock.now(), source.doneBytes)
    // The last column stays free: some terminals wrap as soon as it is written.
    stream.write(`${ERASE_LINE}${progressLine(progressOf(source), (stream.columns || DEFAULT_COLUMNS) - 1)}`)
    shown = true
  }

  const cancel = stream.isTTY === true ? clock.every(REFRESH_MS, draw) : () => {}

  function erase(): void {
    if (shown) stream.write(ERASE_LINE)
    shown = false
  }

  return {
    erase,
    clear() {
      cancel()
      erase()
    },
    complete(download, durationMs) {
      erase()
      stream.write(`${summaryLine(progressOf(download), durationMs)}\n`)
    },
  }
}

/** Shows nothing. */
export function createQuietDisplay(): ProgressDisplay {
  return { complete() {}, erase() {}, clear() {} }
}
