import type { Digest } from '../../protocol/digest.ts'
import { isSwarmUrl } from '../../protocol/swarm-url.ts'
import { type TaskId, taskIdOfDigest, taskIdOfUrl, type UrlIdentity } from '../../protocol/task.ts'
import type { RegistryCredentials } from './credentials/registry-credentials.ts'

/** Where a task's bytes come from, with the credentials of whoever asked. */
export interface Source {
  /** Absolute URL: http, https, `s3://bucket/key` or, in dfget alone, `file:///path`. */
  readonly url: string
  /** The requester's headers, in any case. Hop-by-hop, range and conditional headers are ignored. */
  readonly headers: Readonly<Record<string, string>>
  /** An account of our own at this origin, for requesters without an `Authorization`. Never stored or logged. */
  readonly credentials?: RegistryCredentials | undefined
  /** The digest that the whole content must have, if known. The reader of the content checks it. */
  readonly digest?: Digest | undefined
  /** What the origin has said of the content that is meant: other content is refused. */
  readonly validator?: string | undefined
  /** What tells its content from that of the same URL for others. */
  readonly identity?: SourceIdentity | undefined
  /** Nobody but the supernode may read the origin for it. */
  readonly swarmOnly?: boolean | undefined
  /** How long its blocks shall be, of a task that nobody has cut into blocks yet; see protocol/block-size.ts. */
  readonly blockSizeBytes?: number | undefined
}

/** The caller's say in which task a URL is, see {@link taskIdOfUrl}. */
export type SourceIdentity = Pick<UrlIdentity, 'tag' | 'application' | 'filter'>

/** The task of a source's content. @param validator what its origin says of it */
export function taskIdOfSource({ url, digest, identity }: Source, validator: string | undefined): TaskId {
  return digest === undefined ? taskIdOfUrl({ ...identity, url, validator }) : taskIdOfDigest(digest)
}

/** Whether a peer may read it somewhere else than in the swarm. */
export function hasOrigin({ url, swarmOnly }: Source): boolean {
  return !isSwarmUrl(url) && swarmOnly !== true
}

/** What may be one task: decided before the validator, without which nobody can say it, is known. */
export function contentKeyOf({ url, digest, identity }: Pick<Source, 'url' | 'digest' | 'identity'>): string {
  return digest ?? taskIdOfUrl({ ...identity, url })
}

/** Which part of the content to open. */
export interface OpenOptions {
  /** First byte, 0 by default. The caller keeps it below the size when that is known. */
  readonly start?: number | undefined
  /** Exclusive end; to the end of the content by default. */
  readonly end?: number | undefined
  /** Ends the request and, later, the body; both then throw the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** `validator` of an earlier answer: other content than that is refused with ORIGIN_FAILED (RFC 9110 §13.1.5). */
  readonly validator?: string | undefined
}

/** An opened content. Whoever opened it reads it to the end or closes it. */
export interface OriginContent {
  /** Of the whole content; undefined when the origin does not say. */
  readonly sizeBytes: number | undefined
  /** Offset in the content of the body's first byte: the offset that was asked for. */
  readonly start: number
  /** Strong ETag (with its quotes) or else Last-Modified. */
  readonly validator: string | undefined
  readonly contentType: string | undefined
  /**
   * The bytes, readable once, with back-pressure.
   * @throws OriginError ORIGIN_FAILED when the origin ends early, sends too much or stalls
   * @throws OriginError RANGE_INVALID when content of unknown size ends before `start`
   */
  readonly body: AsyncIterable<Uint8Array>
  /** Frees the connection. Idempotent. */
  close(): void
}

/** What an origin says about content that a requester may read. */
export interface OriginInfo {
  readonly sizeBytes: number | undefined
  readonly validator: string | undefined
}

/** Reads content where it comes from first (design §2). */
export interface Origin {
  /**
   * Opens the content, whole or a part. An origin that ignores the range is read from its beginning and the prefix thrown
   * away, so a caller always gets the offset it asked for.
   * @throws DamselflyError REQUEST_INVALID, RANGE_INVALID, ORIGIN_UNREACHABLE
   * @throws OriginError UNAUTHORIZED, DENIED, BLOB_UNKNOWN, RANGE_INVALID, TOOMANYREQUESTS, ORIGIN_FAILED
   */
  open(source: Source, options?: OpenOptions): Promise<OriginContent>
  /**
   * Whether the origin lets this requester read the content; resolves when it does. Reads no content beyond one byte.
   * @throws DamselflyError REQUEST_INVALID, ORIGIN_UNREACHABLE
   * @throws OriginError UNAUTHORIZED, DENIED, BLOB_UNKNOWN, TOOMANYREQUESTS, ORIGIN_FAILED
   */
  check(source: Source, options?: { readonly signal?: AbortSignal | undefined }): Promise<OriginInfo>
  /**
   * The http(s) source under which others read the same content; absent where the source itself is it.
   * @throws DamselflyError UNSUPPORTED for content that only this machine can read
   */
  locate?(source: Source): Promise<Source>
}
