import { setImmediate } from 'node:timers/promises'
import { redactUrl } from '../../../lib/origin/http-url.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { ClaimedPaths } from '../claimed-paths.ts'
import type { PathFilter } from '../path-filter.ts'
import type { IndexEntry } from './index-content.ts'
import { type IndexLink, WebDirectory } from './index-link.ts'
import type { IndexPage } from './index-page.ts'

/** How far a listing goes. */
export interface ListingLimits {
  /** How many directories below the first one are entered, 16 by default; more is an error. */
  readonly maxDepth?: number | undefined
  /** How many files and directories there may be, a million by default; more is an error. */
  readonly maxEntries?: number | undefined
}

/** A directory that is to be read. */
export interface Waiting {
  readonly url: string
  /** How many links lead to it. */
  readonly depth: number
}

const MAX_DEPTH = 16
const MAX_ENTRIES = 1_000_000
/** After so many links it is the turn of others: a page may have a million. */
export const LINKS_PER_TURN = 1000

/** A link to a file, with its size where the page tells. */
export type FileLink = IndexLink & Pick<IndexEntry, 'sizeBytes'>

/** What has been found of a directory and those below it, and what waits to be read. */
export class Listing {
  readonly #start: WebDirectory
  readonly #filter: PathFilter
  readonly #maxDepth: number
  readonly #maxEntries: number
  readonly #paths = new ClaimedPaths()
  readonly #directories = new Set<string>()
  #waiting: Waiting[] = []
  #nextWaiting = 0
  #entries = 0

  constructor(
    start: WebDirectory,
    filter: PathFilter,
    { maxDepth = MAX_DEPTH, maxEntries = MAX_ENTRIES }: ListingLimits,
  ) {
    this.#start = start
    this.#filter = filter
    this.#maxDepth = maxDepth
    this.#maxEntries = maxEntries
  }

  /**
   * The links of a page to files. Its directories wait to be read from now on.
   * @throws DamselflyError REQUEST_INVALID for more than the limits; the signal's reason
   */
  async filesOf(page: IndexPage, depth: number, { signal }: { signal: AbortSignal }): Promise<FileLink[]> {
    const here = new WebDirectory(page.url)
    const base = baseOf(page)
    const files: FileLink[] = []
    for (const [index, { href, sizeBytes }] of page.entries.entries()) {
      if (index % LINKS_PER_TURN === 0) await othersTurn(signal)
      const link = this.#start.linkBelow(href, here, base)
      if (link?.isDirectory === true) this.#addDirectory(link, depth + 1)
      else if (link !== undefined) files.push({ ...link, sizeBytes })
    }
    return files
  }

  /**
   * Whether a file is wanted, and no page before had it. Asked when all directories of its page are known, because a link to one may
   * lack the slash beside another that has it.
   * @throws DamselflyError REQUEST_INVALID for more than the limits, OUTPUT_FAILED when two URLs mean the same path
   */
  isNew({ key, path }: FileLink): boolean {
    if (this.#directories.has(key) || !this.#filter.accepts(path)) return false
    // Spellings of one URL are one owner.
    if (!this.#paths.claim(path, key)) return false
    this.#count()
    return true
  }

  /** The next directory to be read, if one waits. */
  nextDirectory(): Waiting | undefined {
    const next = this.#waiting[this.#nextWaiting]
    if (next === undefined) {
      this.#waiting = []
      this.#nextWaiting = 0
    } else {
      this.#nextWaiting++
    }
    return next
  }

  #addDirectory({ url, key, path }: IndexLink, depth: number): void {
    if (this.#directories.has(key)) return
    this.#directories.add(key)
    if (!this.#filter.mayHold(path)) return
    if (depth > this.#maxDepth) {
      const reason = `it lies more than ${this.#maxDepth} directories deep, perhaps because links go round in a circle`
      throw new DamselflyError('REQUEST_INVALID', `${redactUrl(url)}: ${reason}; leave it out with --exclude`)
    }
    this.#count()
    this.#waiting.push({ url, depth })
  }

  #count(): void {
    if (++this.#entries <= this.#maxEntries) return
    const place = redactUrl(this.#start.url)
    const advice = 'name a directory further down, or leave some out with --exclude'
    throw new DamselflyError(
      'REQUEST_INVALID',
      `${place} has over ${this.#maxEntries} files and directories; ${advice}`,
    )
  }
}

/** Lets others run. @throws the signal's reason */
export async function othersTurn(signal: AbortSignal): Promise<void> {
  await setImmediate()
  signal.throwIfAborted()
}

function baseOf({ base, url }: IndexPage): URL {
  return (base === undefined ? null : URL.parse(base, url.href)) ?? url
}
