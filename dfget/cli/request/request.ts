import { parseFileUrl } from '../../../lib/origin/file-url.ts'
import { parseHttpUrl } from '../../../lib/origin/http-url.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { parseS3Url } from '../../../lib/origin/s3/s3-url.ts'
import { swarmSource } from '../../../lib/origin/swarm-source.ts'
import { type Digest, digestAlgorithm, parseDigest } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { parseRegistryPath } from '../../../protocol/registry-path.ts'
import { isSwarmUrl } from '../../../protocol/swarm-url.ts'
import type { DfgetConfig } from '../../config.ts'
import { isSafeName, segmentName } from '../../sources/safe-path.ts'
import { commonHeaders, type SourceOptionSettings, sourceOptions } from './source-options.ts'

/** What to download, checked. */
export interface DownloadRequest {
  readonly source: Source
  /** All that the content must match. */
  readonly digests: readonly Digest[]
  /** Path below the output directory that the source suggests; undefined when it ends in no name. */
  readonly suggestedName: string | undefined
}

/** The settings that make a request of a URL. */
export type RequestSettings = SourceOptionSettings & Partial<Pick<DfgetConfig, 'digest'>>

/**
 * Checks what was asked for. User and password in the URL become a header, so that the URL can be shown.
 * @throws DamselflyError REQUEST_INVALID (URL or header), DIGEST_INVALID (in a `swarm:` URL, too, and also when two digests contradict each other)
 */
export function downloadRequest(text: string, config: RequestSettings): DownloadRequest {
  const [, scheme = ''] = /^([a-z][a-z0-9+.-]*):/i.exec(text) ?? []
  if (scheme.toLowerCase() === 's3') return objectRequest(text, config)
  if (scheme.toLowerCase() === 'file') return fileRequest(text, config)
  if (isSwarmUrl(text)) return swarmRequest(text, config.digest)
  const url = parseUrl(text)
  const headers = { ...basicAuthorization(url), ...commonHeaders(config) }
  url.username = ''
  url.password = ''
  url.hash = ''
  const digests = expectedDigests(url, config.digest)
  return {
    source: { url: url.href, headers, digest: digests[0], ...sourceOptions(config) },
    digests,
    suggestedName: lastName(url.pathname),
  }
}

/** A key is taken as it stands, so that nothing of it may be parsed as a URL. */
function objectRequest(text: string, config: RequestSettings): DownloadRequest {
  const name = parseS3Url(text).key.split('/').at(-1) ?? ''
  return { ...requestOf(text, config), suggestedName: isSafeName(name) ? name : undefined }
}

function fileRequest(text: string, config: RequestSettings): DownloadRequest {
  parseFileUrl(text)
  return { ...requestOf(text, config), suggestedName: lastName(new URL(text).pathname) }
}

function requestOf(url: string, config: RequestSettings): Pick<DownloadRequest, 'source' | 'digests'> {
  const digests = config.digest === undefined ? [] : [parseGivenDigest(config.digest)]
  return { source: { url, headers: commonHeaders(config), digest: digests[0], ...sourceOptions(config) }, digests }
}

/** Content without an origin: headers would go nowhere. */
function swarmRequest(text: string, given: string | undefined): DownloadRequest {
  const named = parseDigest(text.slice('swarm:'.length))
  if (given !== undefined && parseGivenDigest(given) !== named) {
    throw new DamselflyError('DIGEST_INVALID', `--digest is not that of ${text}`)
  }
  return { source: swarmSource(named), digests: [named], suggestedName: undefined }
}

function parseUrl(text: string): URL {
  try {
    return parseHttpUrl(text)
  } catch (error) {
    throw new DamselflyError('REQUEST_INVALID', `"${text}" is not an absolute http, https, s3, oci or file URL`, {
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

function lastName(pathname: string): string | undefined {
  const segment = pathname.slice(pathname.lastIndexOf('/') + 1)
  return segment === '' ? undefined : segmentName(segment)
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
