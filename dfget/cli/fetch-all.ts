import type { Writable } from 'node:stream'
import pLimit from 'p-limit'
import { systemClock } from '../../lib/clock.ts'
import type { DfgetConfig } from '../config.ts'
import { DownloadTotals } from '../progress/download-totals.ts'
import {
  createProgressDisplay,
  createQuietDisplay,
  type ProgressDisplay,
  type ProgressStream,
} from '../progress/progress-display.ts'
import type { Download } from './download.ts'
import { failureText } from './failure-text.ts'
import { type FetchComponents, fetchTo } from './fetch-to.ts'
import { openOutput } from './open-output.ts'
import { PartlyFailedError } from './partly-failed-error.ts'
import type { DownloadRequest } from './request.ts'
import { resultLine } from './result-line.ts'

/** Standard output and standard error, or their stand-ins. */
export interface DfgetStreams {
  readonly stdout: Writable
  readonly stderr: ProgressStream
}

export interface FetchAllComponents extends DfgetStreams, Pick<FetchComponents, 'dfget' | 'delivered'> {}

/**
 * Downloads all that was asked for, some at a time, and to standard output one after the other. A download that fails is said, and the
 * others go on.
 * @throws PartlyFailedError when some failed; what ended it, when there was only one; the signal's reason
 */
export async function fetchAll(
  { dfget, delivered, stdout, stderr }: FetchAllComponents,
  requests: readonly DownloadRequest[],
  config: DfgetConfig,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const isOne = requests.length === 1
  const totals = new DownloadTotals(requests.length)
  const display = config.quiet
    ? createQuietDisplay()
    : createProgressDisplay({ stream: stderr, clock: systemClock }, totals)
  const failures: unknown[] = []

  async function fetchOne(request: DownloadRequest): Promise<void> {
    let download: Download | undefined
    const output = await openOutput({ config, several: !isOne, suggestedName: request.suggestedName, stdout, signal })
    if (output === undefined) {
      totals.skip()
      return
    }
    try {
      const begun = (it: Download) => {
        download = it
        totals.add(it)
      }
      const result = await fetchTo({ dfget, output, begun, delivered }, request, config, { signal })
      totals.finish()
      if (download !== undefined) display.complete(download, result.durationMs)
      if (config.json && output.path !== undefined) stdout.write(resultLine(result))
    } finally {
      await output.discard()
    }
  }

  async function fetchOrNote(request: DownloadRequest): Promise<void> {
    signal.throwIfAborted()
    try {
      await fetchOne(request)
    } catch (error) {
      signal.throwIfAborted()
      failures.push(error)
      totals.skip()
      if (!isOne) noteFailure(display, stderr, request, error)
    }
  }

  const inTurn = pLimit(config.output === '-' ? 1 : config.maxConcurrent)
  try {
    const all = await Promise.allSettled(requests.map(request => inTurn(() => fetchOrNote(request))))
    signal.throwIfAborted()
    for (const one of all) if (one.status === 'rejected') throw one.reason
  } finally {
    display.clear()
  }
  if (isOne && failures.length === 1) throw failures[0]
  if (failures.length > 0) throw new PartlyFailedError(failures, requests.length)
}

function noteFailure(
  display: ProgressDisplay,
  stderr: ProgressStream,
  { source }: DownloadRequest,
  error: unknown,
): void {
  display.erase()
  stderr.write(`dfget: ${source.url}: ${failureText(error)}\n`)
}
