import { pathSegments, segmentKey, segmentName } from '../safe-path.ts'

/** What a link of an index page leads to, below the directory in which the listing began. */
export interface IndexLink {
  /** Absolute, without fragment, user and password. */
  readonly url: string
  /** The same for all spellings of a URL that no server tells apart. */
  readonly key: string
  /** Relative to the directory in which the listing began, without a slash at its end; every name in it is safe. */
  readonly path: string
  readonly isDirectory: boolean
}

/** A directory on a web server: the URL of its index page ends in a slash, or might. */
export class WebDirectory {
  readonly url: URL
  readonly #origin: string
  readonly #depth: number
  readonly #key: string

  constructor(url: URL) {
    const segments = pathSegments(url)
    this.url = url
    this.#origin = url.origin
    this.#depth = segments.length
    this.#key = keyOf(segments)
  }

  /** Whether a URL is that of this directory, whatever its query. */
  is(url: URL): boolean {
    return url.origin === this.#origin && keyOf(pathSegments(url)) === this.#key
  }

  /**
   * What a link stands for, where it leads further down.
   * @param page the directory whose page has the link
   * @param base what the link is relative to
   * @returns undefined for a link that is malformed, leads to the page itself (whatever its query and fragment: another order of it) or
   * to a directory that it lies in, to another server, to anything that is not below this directory, or to a directory with a query
   */
  linkBelow(href: string, page: WebDirectory, base: URL): IndexLink | undefined {
    const url = URL.parse(href, base.href)
    if (url === null || url.origin !== this.#origin) return undefined
    const segments = pathSegments(url)
    const key = keyOf(segments)
    if (!key.startsWith(`${this.#key}/`) || `${page.#key}/`.startsWith(`${key}/`)) return undefined
    const isDirectory = url.pathname.endsWith('/')
    if (isDirectory && url.search !== '') return undefined
    url.hash = ''
    url.username = ''
    url.password = ''
    return {
      url: url.href,
      key: key + url.search,
      path: segments.slice(this.#depth).map(segmentName).join('/'),
      isDirectory,
    }
  }
}

/** The directory that a URL names: with a slash at the end of its path, which a person may have left out. */
export function directoryUrl(text: string): URL {
  const url = new URL(text)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  url.hash = ''
  return url
}

/**
 * The directory that answered for another after redirects.
 * @returns undefined when what answered is no directory: a redirect to a page elsewhere, which may be a login
 */
export function answeringDirectory(asked: URL, answered: URL): URL | undefined {
  if (answered.pathname.endsWith('/')) return answered
  // Some servers take the slash away, others name the index page.
  const withSlash = directoryUrl(answered.href)
  if (new WebDirectory(asked).is(withSlash)) return withSlash
  const directory = new URL('.', answered)
  return directory.pathname === asked.pathname ? directory : undefined
}

function keyOf(segments: readonly string[]): string {
  return segments.map(segment => `/${segmentKey(segment)}`).join('')
}
