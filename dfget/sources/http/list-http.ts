import type { UpstreamFetcher } from '../../../lib/origin/http-fetch.ts'
import { parseHttpUrl, redactUrl } from '../../../lib/origin/http-url.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { OriginError } from '../../../lib/origin/origin-error.ts'
import { crossOriginHeaders } from '../../../lib/origin/request-headers.ts'
import type { FoundFile } from '../found-file.ts'
import { createPathFilter, type PathPatterns } from '../path-filter.ts'
import { answeringDirectory, directoryUrl, WebDirectory } from './index-link.ts'
import { type IndexPage, readIndexPage } from './index-page.ts'
import { LINKS_PER_TURN, Listing, type ListingLimits, othersTurn } from './listing.ts'

/** How a directory is listed. */
export interface HttpListingOptions extends PathPatterns, ListingLimits {
  readonly signal: AbortSignal
  /** How large one index page may be, 64 MiB by default; more is an error. */
  readonly maxPageBytes?: number | undefined
}

const MAX_PAGE_BYTES = 64 * 1024 * 1024
/** How many index pages are read ahead. */
const PAGES_AT_ONCE = 4

interface Reading {
  readonly depth: number
  readonly page: Promise<IndexPage | undefined>
}

/**
 * The files of a directory on a web server and of the directories below it, by the links of their index pages: breadth first, in the
 * order of the pages, each file once. Files come out while later pages are still being read, a few pages ahead.
 *
 * A link to another server, to a place above or beside the first directory, or to the page itself with another query is not followed,
 * and a link is a directory if it ends in a slash. Redirects of the first page are followed anywhere; those of others may lead to the
 * same server only, and what they list counts where it lies below the first directory.
 * @param start the URL of the directory, with or without a slash at its end, and how to ask for it and its files
 * @throws OriginError what a server answers instead of an index page
 * @throws DamselflyError REQUEST_INVALID for what is no index page, a pattern that is none, or more than the limits;
 * OUTPUT_FAILED when two URLs mean the same path; ORIGIN_UNREACHABLE; the signal's reason
 */
export async function* listHttp(
  { fetcher }: { readonly fetcher: UpstreamFetcher },
  start: Source,
  options: HttpListingOptions,
): AsyncGenerator<FoundFile> {
  const filter = createPathFilter(options)
  const asked = directoryUrl(parseHttpUrl(start.url).href)
  const ending = new AbortController()
  const signal = AbortSignal.any([options.signal, ending.signal])
  const limitBytes = options.maxPageBytes ?? MAX_PAGE_BYTES
  const read = (source: Source, redirect: 'follow' | 'same-origin') =>
    readIndexPage(fetcher, source, { redirect, limitBytes, signal })
  try {
    const page = await read({ ...requesterOf(start), url: asked.href }, 'follow')
    const answered = page === undefined ? undefined : answeringDirectory(asked, page.url)
    if (page === undefined || answered === undefined) throw notADirectory(asked, page)
    const requester = requesterFor(start, asked, answered)
    const listing = new Listing(new WebDirectory(answered), filter, options)

    const reading: Reading[] = [{ depth: 0, page: Promise.resolve(page) }]
    for (let next = reading.shift(); next !== undefined; next = reading.shift()) {
      const found = await next.page
      const links = found === undefined ? [] : await listing.filesOf(found, next.depth, { signal })
      readAhead()
      for (const [index, link] of links.entries()) {
        if (index % LINKS_PER_TURN === 0) await othersTurn(signal)
        const { url, path, sizeBytes } = link
        if (listing.isNew(link)) yield { source: { ...requester, url }, digests: [], path, sizeBytes }
      }
      options.signal.throwIfAborted()
      readAhead()
    }

    function readAhead(): void {
      while (reading.length < PAGES_AT_ONCE) {
        const directory = listing.nextDirectory()
        if (directory === undefined) return
        const page = read({ ...requester, url: directory.url }, 'same-origin')
        // Whoever waits for it hears of it.
        page.catch(() => {})
        reading.push({ depth: directory.depth, page })
      }
    }
  } finally {
    ending.abort(new Error('the listing has ended'))
  }
}

/** Who asks: what goes with the request for each page and file. */
type Requester = Pick<Source, 'headers' | 'credentials'>

function requesterOf({ headers, credentials }: Source): Requester {
  return credentials === undefined ? { headers } : { headers, credentials }
}

/** Who asks after redirects: as with any redirect to elsewhere, credentials do not go along. */
function requesterFor(start: Source, asked: URL, answered: URL): Requester {
  return asked.origin === answered.origin
    ? requesterOf(start)
    : { headers: crossOriginHeaders(lowerCase(start.headers)) }
}

function lowerCase(headers: Source['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function notADirectory(asked: URL, page: IndexPage | undefined): OriginError {
  const target = page === undefined ? 'elsewhere' : `to ${redactUrl(page.url)}`
  const advice = 'which is no directory; name the directory itself, with the credentials that it wants'
  return new OriginError('ORIGIN_FAILED', `${redactUrl(asked)} redirects ${target}, ${advice}`)
}
