import { parseHttpUrl } from '../../lib/origin/http-url.ts'
import type { Source } from '../../lib/origin/origin.ts'
import { type Digest, digestAlgorithm, parseDigest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { parseRegistryPath } from '../../protocol/registry-path.ts'
import type { DfgetConfig } from '../config.ts'
import { parseHeaders } from './headers.ts'

/** What to download, checked. */
export interface DownloadRequest {
  readonly source: Source
  /** All that the content must match. */
  readonly digests: readonly Digest[]
  /** File name that the URL suggests; undefined when it ends in none. */
  readonly suggestedName: string | undefined
}

/**
 * Checks what was asked for. User and password in the URL become a header, so that the URL can be shown.
 * @throws DamselflyError REQUEST_INVALID (URL or header), DIGEST_INVALID (also when two digests contradict each other)
 */
export function downloadRequest(
  text: string,
  { header, userAgent, digest }: Pick<DfgetConfig, 'header' | 'userAgent' | 'digest'>,
): DownloadRequest {
  const url = parseUrl(text)
  const agent = userAgent === undefined ? {} : { 'user-agent': userAgent }
  const headers = { ...agent, ...basicAuthorization(url), ...parseHeaders(header) }
  url.username = ''
  url.password = ''
  url.hash = ''
  const digests = expectedDigests(url, digest)
  return {
    source: { url: url.href, headers, digest: digests[0] },
    digests,
    suggestedName: suggestedName(url),
  }
}

function parseUrl(text: string): URL {
  try {
    return parseHttpUrl(text)
  } catch (error) {
    throw new DamselflyError('REQUEST_INVALID', `"${text}" is not an absolute http:// or https:// URL`, {
      cause: error,
    })
  }
}

/** The digest in the URL first: it names the task in the whole cluster. */
function expectedDigests(url: URL, given: string | undefined): Digest[] {
  const named = blobDigest(url)
  const wanted = given === undefined ? undefined : parseGivenDigest(given)
  if (named === undefined || wanted === undefined) return [named, wanted].filter(digest => digest !== undefined)
  if (named === wanted) return [named]
  if (digestAlgorithm(named) !== digestAlgorithm(wanted)) return [named, wanted]
  throw new DamselflyError('DIGEST_INVALID', `--digest is not that of the blob in the URL, ${named}`)
}

function parseGivenDigest(text: string): Digest {
  const lower = text.toLowerCase()
  if (!/^(md5|sha1)(:|$)/.test(lower)) return parseDigest(lower)
  const algorithm = lower.slice(0, lower.indexOf(':'))
  throw new DamselflyError(
    'DIGEST_INVALID',
    `${algorithm} can be forged, so that it proves nothing; give sha256:<64 hex digits> or sha512:<128 hex digits>`,
  )
}

/** The digest that a registry's blob URL names. */
function blobDigest({ pathname }: URL): Digest | undefined {
  try {
    const path = parseRegistryPath(decodeURIComponent(pathname))
    return path.kind === 'blob' ? path.digest : undefined
  } catch {
    return undefined
  }
}

function suggestedName({ pathname }: URL): string | undefined {
  const segment = pathname.slice(pathname.lastIndexOf('/') + 1)
  const name = decoded(segment)
  // A name that would lead elsewhere or disturb a terminal stays in its encoded spelling.
  const safe = /[/\p{Cc}]/u.test(name) ? segment : name
  return ['', '.', '..'].includes(safe) ? undefined : safe
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function basicAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const credentials = Buffer.from(`${decoded(username)}:${decoded(password)}`)
  return { authorization: `Basic ${credentials.toString('base64')}` }
}
