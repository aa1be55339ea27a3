import type { Logger } from '../../lib/logger.ts'
import type { AccessCheck } from '../../lib/origin/access.ts'
import type { UpstreamFetcher, UpstreamResponse } from '../../lib/origin/http-fetch.ts'
import type { Source } from '../../lib/origin/origin.ts'
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { MANIFEST_TYPES } from '../../protocol/image-manifest.ts'
import type { Requester } from '../proxy/requester.ts'
import type { UpstreamTarget } from '../proxy/upstream.ts'
import type { Manifest, ManifestStore } from './manifest-store.ts'
import { readBody } from './read-body.ts'
import { type TagRule, tagModeOf } from './tag-policy.ts'

export interface ManifestSourceComponents {
  readonly store: ManifestStore
  readonly fetcher: UpstreamFetcher
  readonly access: AccessCheck
  readonly logger: Logger
}

export interface ManifestSourceInit {
  readonly tags: readonly TagRule[]
  /** How long a registry may think about a tag before the last known digest serves. */
  readonly tagDeadlineMs: number
}

/** A request for a manifest. */
export interface ManifestRequest {
  readonly target: UpstreamTarget
  readonly name: string
  /** A tag or a digest. */
  readonly reference: string
  readonly requester: Requester
  /** The caller's `Accept`, with the types that it must name. */
  readonly accept: string
  readonly signal: AbortSignal
}

/** What to answer: a manifest that is here now, or what the registry said instead. */
export type ManifestAnswer =
  | { readonly kind: 'manifest'; readonly manifest: Manifest; readonly warning?: string }
  | { readonly kind: 'response'; readonly response: UpstreamResponse; readonly body: Uint8Array }
  /** The tag is not to be remembered: pass the request on as it is. */
  | { readonly kind: 'bypass' }

/** The type of a body whose sender does not tell (RFC 9110 §8.3). */
const UNTYPED = 'application/octet-stream'

/** What a registry says a tag is. */
type Resolution =
  | { readonly digest: Digest; readonly manifest?: Manifest }
  | { readonly refused: UpstreamResponse; readonly body: Uint8Array }
  /** `refused` is what to tell a client for whom nothing is kept, instead of the outage. */
  | { readonly outage: DamselflyError; readonly refused?: UpstreamResponse }

/** Manifests: those of a digest for ever, those of a tag as its rule says. Nobody gets one that the registry denies him. */
export class ManifestSource {
  readonly #components: ManifestSourceComponents
  readonly #init: ManifestSourceInit

  constructor(components: ManifestSourceComponents, init: ManifestSourceInit) {
    this.#components = components
    this.#init = init
  }

  /** @throws DamselflyError what the registry or the access check says, CONTENT_CORRUPT, ORIGIN_UNREACHABLE */
  async answer(request: ManifestRequest): Promise<ManifestAnswer> {
    const { reference } = request
    if (isDigest(reference)) return this.#byDigest(request, reference)
    const tag = tagOf(request)
    const mode = tagModeOf(tag, this.#init.tags)
    if (mode === 'bypass') return { kind: 'bypass' }
    const known = await this.#components.store.resolvedTag(tag)
    if (mode === 'pin' && known !== undefined) return this.#byDigest(request, known.digest)

    const resolution = await this.#resolve(request, { hurry: known !== undefined })
    if ('outage' in resolution) {
      if (known !== undefined) return this.#stale(request, known.digest, resolution.outage)
      if (resolution.refused === undefined) throw resolution.outage
      return { kind: 'response', response: resolution.refused, body: new Uint8Array() }
    }
    if ('refused' in resolution) return { kind: 'response', response: resolution.refused, body: resolution.body }
    await this.#components.store.putTag(tag, resolution.digest)
    this.#noteYes(request, resolution.digest)
    if (resolution.manifest !== undefined) return { kind: 'manifest', manifest: resolution.manifest }
    // The registry has just named the digest to this requester, so nobody needs to be asked again.
    const kept = await this.#components.store.get(resolution.digest)
    return kept === undefined ? this.#fetch(request, resolution.digest) : { kind: 'manifest', manifest: kept }
  }

  async #byDigest(request: ManifestRequest, digest: Digest): Promise<ManifestAnswer> {
    const kept = await this.#components.store.get(digest)
    if (kept === undefined) {
      const answer = await this.#fetch(request, digest)
      if (answer.kind === 'manifest') this.#noteYes(request, digest)
      return answer
    }
    await this.#mayRead(request, digest)
    return { kind: 'manifest', manifest: kept }
  }

  async #stale(request: ManifestRequest, digest: Digest, outage: DamselflyError): Promise<ManifestAnswer> {
    const kept = await this.#components.store.get(digest)
    if (kept === undefined) throw outage
    await this.#mayRead(request, digest)
    this.#components.logger.warn({ registry: request.target.registry }, 'registry is down; serving a tag as last known')
    return {
      kind: 'manifest',
      manifest: kept,
      warning: `299 - "${request.target.registry} cannot be asked; this is ${request.reference} as last known"`,
    }
  }

  async #mayRead(request: ManifestRequest, digest: Digest): Promise<void> {
    await this.#components.access.check(accessSource(request, digest), { allowStale: true, signal: request.signal })
  }

  /** The registry has let the requester have this manifest: that counts while it cannot be asked. */
  #noteYes(request: ManifestRequest, digest: Digest): void {
    this.#components.access.grant(accessSource(request, digest), { sizeBytes: undefined, validator: undefined })
  }

  /** @param hurry whether there is something to serve in place of a late answer; without it a slow registry is waited for */
  async #resolve(request: ManifestRequest, { hurry }: { hurry: boolean }): Promise<Resolution> {
    const deadline = hurry ? AbortSignal.timeout(this.#init.tagDeadlineMs) : undefined
    try {
      const response = await this.#ask(request, 'HEAD', request.reference, deadline)
      response.body.destroy()
      const { status, headers } = response
      if (status >= 500 || status === 429) {
        const outage = new DamselflyError('ORIGIN_FAILED', `the registry answered with status ${status}`)
        // How long to wait is for the client to know; any other outage sends it to its next registry.
        return status === 429 ? { outage, refused: response } : { outage }
      }
      const digest = headers['docker-content-digest'] ?? ''
      // There are registries without HEAD; and the client of a GET wants the registry's own words.
      return status === 200 && isDigest(digest) ? { digest } : await this.#fetchTag(request, deadline)
    } catch (error) {
      request.signal.throwIfAborted()
      if (deadline?.aborted === true) {
        const detail = `no answer about the tag within ${this.#init.tagDeadlineMs} ms`
        return { outage: new DamselflyError('ORIGIN_UNREACHABLE', detail, { cause: error }) }
      }
      if (error instanceof DamselflyError && error.code === 'ORIGIN_UNREACHABLE') return { outage: error }
      throw error
    }
  }

  async #fetchTag(request: ManifestRequest, deadline: AbortSignal | undefined): Promise<Resolution> {
    const response = await this.#ask(request, 'GET', request.reference, deadline)
    const bytes = await readBody(response)
    if (response.status !== 200) return { refused: response, body: bytes }
    const told = response.headers['docker-content-digest'] ?? ''
    const manifest = { digest: isDigest(told) ? told : digestOf(bytes), mediaType: mediaTypeOf(response), bytes }
    await this.#components.store.put(manifest)
    return { digest: manifest.digest, manifest }
  }

  async #fetch(request: ManifestRequest, digest: Digest): Promise<ManifestAnswer> {
    const response = await this.#ask(request, 'GET', digest)
    const body = await readBody(response)
    if (response.status !== 200) return { kind: 'response', response, body }
    if (digestOf(body, digestAlgorithm(digest)) !== digest) {
      throw new DamselflyError('CONTENT_CORRUPT', 'the registry sent another manifest than asked for')
    }
    const manifest = { digest, mediaType: mediaTypeOf(response), bytes: body }
    await this.#components.store.put(manifest)
    return { kind: 'manifest', manifest }
  }

  #ask(
    request: ManifestRequest,
    method: 'GET' | 'HEAD',
    reference: string,
    deadline?: AbortSignal,
  ): Promise<UpstreamResponse> {
    const { headers, credentials } = request.requester
    return this.#components.fetcher.fetch({
      url: manifestUrl(request, reference),
      method,
      headers: { ...headers, accept: request.accept },
      ...(credentials === undefined ? {} : { credentials }),
      signal: deadline === undefined ? request.signal : AbortSignal.any([request.signal, deadline]),
    })
  }
}

// Not the caller's own types: a yes to one client counts for another with the same authority.
function accessSource(request: ManifestRequest, digest: Digest): Source {
  const { headers, ...rest } = request.requester
  const accept = [...MANIFEST_TYPES, '*/*'].join(', ')
  return { url: manifestUrl(request, digest), headers: { ...headers, accept }, ...rest }
}

function manifestUrl({ target, name }: ManifestRequest, reference: string): string {
  return `${target.baseUrl}/v2/${name}/manifests/${reference}`
}

function tagOf({ target, name, reference }: ManifestRequest): string {
  return `${target.registry}/${name}:${reference}`
}

// A page in HTML is no manifest, whatever its status: captive portals and proxies answer so.
function mediaTypeOf({ headers }: UpstreamResponse): string {
  const [type = ''] = (headers['content-type'] ?? UNTYPED).split(';', 1)
  if (/json|prettyjws|octet-stream/.test(type)) return type
  throw new DamselflyError('ORIGIN_FAILED', `a manifest of type "${type.slice(0, 64)}"`)
}
