import { type Digest, digestAlgorithm, digestOf } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { MANIFEST_TYPES } from '../../../protocol/image-manifest.ts'
import { type AccessCheck, isOutage } from '../access.ts'
import { bodyOf, readWhole } from '../bounded-body.ts'
import type { UpstreamFetcher, UpstreamRequest, UpstreamResponse } from '../http-fetch.ts'
import type { Source } from '../origin.ts'
import { OriginError } from '../origin-error.ts'
import { failureOf } from '../origin-failure.ts'
import { crossOriginHeaders, upstreamHeaders } from '../request-headers.ts'
import type { Mirror } from './mirror.ts'
import type { MirroredUrl, Mirrors } from './mirrors.ts'

export interface MirroredFetcherComponents {
  readonly fetcher: UpstreamFetcher
  /** Asks the registries themselves who may read. */
  readonly access: Pick<AccessCheck, 'check' | 'mayDuringOutage'>
  readonly mirrors: Mirrors
}

const MANIFEST_LIMIT_BYTES = 16 * 1024 * 1024

/**
 * Fetches from registries and their mirrors. A manifest that is named by its digest comes from the first mirror that has it,
 * once the registry has said that the requester may read it. What may change from one day to the next, as tags do, is asked of
 * the registry, which has to be asked for its yes anyway; of mirrors only while the outage policy speaks for the registry.
 */
export function createMirroredFetcher(components: MirroredFetcherComponents): UpstreamFetcher {
  const { fetcher, access, mirrors } = components

  async function fromMirror(
    mirror: Mirror,
    { rest, digest, kind }: MirroredUrl,
    { method, headers, signal }: UpstreamRequest,
  ): Promise<UpstreamResponse | undefined> {
    const attempt = await mirror.begin(rest, digest, { signal })
    if (attempt === undefined) return undefined
    try {
      const { url, credentials } = attempt.source
      const harmless = crossOriginHeaders(upstreamHeaders(headers))
      const response = await fetcher.fetch({ url, method, headers: harmless, credentials, signal })
      if (response.status !== 200) throw await failureOf(new URL(url).host, response)
      const isVerified = method === 'GET' && kind === 'manifest' && digest !== undefined
      const verified = isVerified ? await verify(mirror, response, digest) : response
      attempt.succeeded()
      return verified
    } catch (error) {
      signal?.throwIfAborted()
      attempt.failed(error)
      return undefined
    }
  }

  async function fromMirrors(at: MirroredUrl, request: UpstreamRequest): Promise<UpstreamResponse | undefined> {
    for (const mirror of at.mirrors) {
      const response = await fromMirror(mirror, at, request)
      if (response !== undefined) return response
    }
    return undefined
  }

  async function fetchManifest(at: MirroredUrl, request: UpstreamRequest): Promise<UpstreamResponse> {
    try {
      await access.check(sourceOf(request), { allowStale: true, signal: request.signal })
    } catch (error) {
      // A refusal is told in the registry's own words.
      if (error instanceof OriginError) return fetcher.fetch(request)
      throw error
    }
    return (await fromMirrors(at, request)) ?? fetcher.fetch(request)
  }

  async function fetchChanging(at: MirroredUrl, request: UpstreamRequest): Promise<UpstreamResponse> {
    try {
      const response = await fetcher.fetch(request)
      if (response.status < 500 || !access.mayDuringOutage(sourceOf(request))) return response
      const other = await fromMirrors(at, request)
      if (other !== undefined) response.body.destroy()
      return other ?? response
    } catch (error) {
      if (request.signal?.aborted || !isOutage(error) || !access.mayDuringOutage(sourceOf(request))) throw error
      const other = await fromMirrors(at, request)
      if (other === undefined) throw error
      return other
    }
  }

  return {
    start: () => fetcher.start(),
    stop: () => fetcher.stop(),
    fetch(request) {
      const at = mirrors.at(request.url)
      if (at === undefined) return fetcher.fetch(request)
      const isFixed = request.method === 'GET' && at.kind === 'manifest' && at.digest !== undefined
      return isFixed ? fetchManifest(at, request) : fetchChanging(at, request)
    },
  }
}

/** What the requester is allowed does not hang on the types that it accepts, so that one yes counts for all of them. */
function sourceOf({ url, headers, credentials }: UpstreamRequest): Source {
  const { authorization } = upstreamHeaders(headers)
  const isManifest = /\/manifests\/[^/]+$/.test(new URL(url).pathname)
  return {
    url,
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(isManifest ? { accept: MANIFEST_TYPES.join(', ') } : {}),
    },
    ...(credentials === undefined ? {} : { credentials }),
  }
}

async function verify(mirror: Mirror, response: UpstreamResponse, digest: Digest): Promise<UpstreamResponse> {
  const bytes = await readWhole(response.body, MANIFEST_LIMIT_BYTES)
  if (digestOf(bytes, digestAlgorithm(digest)) !== digest) {
    mirror.isCorrupt(digest)
    throw new DamselflyError('CONTENT_CORRUPT', 'the mirror sent another manifest than asked for')
  }
  return { ...response, body: bodyOf(bytes) }
}
