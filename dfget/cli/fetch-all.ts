import type { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { systemClock } from '../../lib/clock.ts'
import { formatDuration } from '../../lib/terminal/format.ts'
import type { DfgetConfig } from '../config.ts'
import { DownloadTotals } from '../progress/download-totals.ts'
import {
  createProgressDisplay,
  createQuietDisplay,
  type ProgressDisplay,
  type ProgressStream,
} from '../progress/progress-display.ts'
import type { Contents } from './contents/contents.ts'
import { isDaemonLoss } from './contents/fallback-contents.ts'
import type { Download } from './download.ts'
import { createEventTeller, eventBytes, failureEvent, progressEvent, type TellEvent } from './events.ts'
import { failureText } from './failure-text.ts'
import { fetchTo } from './fetch-to.ts'
import { NewNames } from './output/new-names.ts'
import { openOutput } from './output/open-output.ts'
import { PartlyFailedError } from './partly-failed-error.ts'
import type { DownloadRequest } from './request/request.ts'
import { pauseBeforeRetry } from './retry.ts'

/** Standard output and standard error, or their stand-ins. */
export interface DfgetStreams {
  readonly stdout: Writable
  readonly stderr: ProgressStream
}

export interface FetchAllComponents extends DfgetStreams {
  readonly contents: Contents
}

/** What there is to fetch. */
export interface FetchAllInit {
  readonly requests: AsyncIterable<DownloadRequest>
  /** Whether there may be more than one. */
  readonly several: boolean
  readonly config: DfgetConfig
}

const EVENT_MS = 1_000

/**
 * Downloads all that was asked for, some at a time, and to standard output one after the other. A download that fails is said, and the
 * others go on.
 * @throws PartlyFailedError when some failed; what ended it, when there was only one; what the requests throw; the signal's reason
 */
export async function fetchAll(
  components: FetchAllComponents,
  init: FetchAllInit,
  options: { signal: AbortSignal },
): Promise<void> {
  const run = new Run(components, init, options.signal)
  await run.all()
}

class Run {
  readonly #components: FetchAllComponents
  readonly #init: FetchAllInit
  readonly #signal: AbortSignal
  readonly #totals: DownloadTotals
  readonly #display: ProgressDisplay
  readonly #tell: TellEvent
  readonly #running = new Map<Download, string>()
  readonly #failures: unknown[] = []
  readonly #names = new NewNames()

  constructor(components: FetchAllComponents, init: FetchAllInit, signal: AbortSignal) {
    const { stdout, stderr } = components
    this.#components = components
    this.#init = init
    this.#signal = signal
    this.#totals = new DownloadTotals({ several: init.several })
    this.#tell = createEventTeller(stdout, init.config.json)
    this.#display = init.config.quiet
      ? createQuietDisplay()
      : createProgressDisplay({ stream: stderr, clock: systemClock }, this.#totals)
  }

  async all(): Promise<void> {
    const { requests, several, config } = this.#init
    const places = config.output === '-' ? 1 : config.maxConcurrent
    const busy = new Set<Promise<void>>()
    let failure: { readonly error: unknown } | undefined
    const stopTelling = config.json ? systemClock.every(EVENT_MS, () => this.#tellProgress()) : () => {}
    try {
      for await (const request of requests) {
        this.#signal.throwIfAborted()
        this.#totals.expect()
        const fetching = this.#fetchOrNote(request)
          .catch(error => {
            failure ??= { error }
          })
          .finally(() => busy.delete(fetching))
        busy.add(fetching)
        if (busy.size >= places) await Promise.race(busy)
        if (failure !== undefined) break
      }
      this.#totals.expectNoMore()
    } catch (error) {
      // What is under way goes on to its end; a listing that broke off is said with what failed.
      this.#signal.throwIfAborted()
      failure ??= { error }
    } finally {
      await Promise.all(busy)
      stopTelling()
      this.#display.clear()
      await this.#names.sync()
    }
    this.#signal.throwIfAborted()
    if (failure !== undefined) throw failure.error
    if (!several && this.#failures.length === 1) throw this.#failures[0]
    if (this.#failures.length > 0) throw new PartlyFailedError(this.#failures, this.#totals.expected)
  }

  async #fetchOrNote(request: DownloadRequest): Promise<void> {
    try {
      await this.#fetchPatiently(request)
    } catch (error) {
      if (this.#signal.aborted) this.#tellFailure(request, this.#signal.reason)
      this.#signal.throwIfAborted()
      this.#failures.push(error)
      this.#totals.skip()
      this.#tellFailure(request, error)
      if (this.#init.several) this.#say(`${request.source.url}: ${failureText(error) ?? ''}`)
    }
  }

  /** Tries again as often as was asked for, and once more without a dfdaemon that is gone. */
  async #fetchPatiently(request: DownloadRequest): Promise<void> {
    for (let tries = 1, losses = 0; ; tries++) {
      try {
        return await this.#fetchOne(request)
      } catch (error) {
        this.#signal.throwIfAborted()
        if (error instanceof PartlyWrittenError) throw error.cause
        if (isDaemonLoss(error) && losses++ === 0) continue
        const pauseMs =
          tries > this.#init.config.retry ? undefined : pauseBeforeRetry(error, tries, systemClock.wallTime())
        if (pauseMs === undefined) throw error
        await this.#pause(request, error, pauseMs)
      }
    }
  }

  async #pause({ source }: DownloadRequest, error: unknown, pauseMs: number): Promise<void> {
    const message = failureText(error) ?? ''
    this.#tell({ event: 'retry', url: source.url, message, pauseMs })
    if (!this.#init.config.quiet) this.#say(`${source.url}: ${message}; trying again in ${formatDuration(pauseMs)}`)
    await wait(pauseMs, undefined, { signal: this.#signal }).catch(() => this.#signal.throwIfAborted())
  }

  async #fetchOne(request: DownloadRequest): Promise<void> {
    const { contents, stdout } = this.#components
    const { config, several } = this.#init
    const { suggestedName, source } = request
    const output = await openOutput({
      config,
      several,
      suggestedName,
      stdout,
      names: this.#names,
      signal: this.#signal,
    })
    if (output === undefined) {
      this.#totals.skip()
      this.#tell({ event: 'skipped', url: source.url })
      return
    }
    const { url } = source
    this.#tell({ event: 'begin', url, output: output.path ?? '-' })
    let begun: Download | undefined
    const options = { range: config.range, background: config.priority === 'background' }
    try {
      const { download, digest, durationMs } = await fetchTo(
        {
          contents,
          output,
          begun: download => {
            begun = download
            this.#running.set(download, url)
            this.#totals.begin(download)
          },
        },
        request,
        options,
        { signal: this.#signal },
      )
      this.#totals.finish(download)
      this.#display.complete(download, durationMs)
      this.#tell({
        event: 'done',
        url,
        output: output.path ?? '-',
        sizeBytes: download.doneBytes,
        digest,
        durationMs: Math.round(durationMs),
        ...eventBytes(download.account),
      })
    } catch (error) {
      if (begun !== undefined) this.#totals.giveUp(begun)
      // What is out of standard output cannot be taken back.
      throw output.path === undefined && begun?.written === true ? new PartlyWrittenError(error) : error
    } finally {
      if (begun !== undefined) this.#running.delete(begun)
      await output.discard()
    }
  }

  #tellFailure({ source }: DownloadRequest, error: unknown): void {
    this.#tell(failureEvent(source.url, error))
  }

  #say(text: string): void {
    this.#display.erase()
    this.#components.stderr.write(`dfget: ${text}\n`)
  }

  #tellProgress(): void {
    for (const [download, url] of this.#running) this.#tell(progressEvent(url, download))
  }
}

/** Some of the content is out already, so that no other try can begin anew. */
class PartlyWrittenError extends Error {
  constructor(cause: unknown) {
    super('some of it is out', { cause })
  }
}
