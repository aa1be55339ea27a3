import type { Peer } from '../../dfget/peer/peer.ts'
import type { TaskContent } from '../../dfget/peer/task/task-content.ts'
import type { AccessCheck } from '../../lib/origin/access.ts'
import type { Source } from '../../lib/origin/origin.ts'
import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { type ByteRange, formatContentRange, parseRange, resolveRange } from '../../protocol/range.ts'
import { PULL_HEADER, pullHeader } from '../pulls/pull-header.ts'

/** Content for a caller. */
export interface CallersContent {
  readonly content: TaskContent
  /** Whether the origin itself was asked for the content in the caller's name, rather than for leave to give what is here. */
  readonly isAsked: boolean
}

/**
 * Opens content for its caller. What is here already, or on its way for somebody else, is not the caller's by that: the origin
 * must say yes to him too. For content that nobody has asked for, the download itself asks the origin in the caller's name.
 */
export async function openForCaller(
  { peer, access }: { readonly peer: Pick<Peer, 'open'>; readonly access: Pick<AccessCheck, 'check'> },
  source: Source,
  {
    signal,
    background = false,
    pastSwarm = false,
  }: { signal: AbortSignal; background?: boolean | undefined; pastSwarm?: boolean },
): Promise<CallersContent> {
  let isAsked = true
  const content = await peer.open(source, {
    signal,
    background,
    pastSwarm,
    async mayRead() {
      isAsked = false
      await access.check(source, { allowStale: true, signal })
    },
  })
  return { content, isAsked }
}

/** The headers of an answer that carries content, whole or a part of it. */
export function contentHeaders(
  { contentType, sizeBytes }: Pick<TaskContent, 'contentType' | 'sizeBytes'>,
  digest: Digest | undefined,
  range?: ByteRange,
) {
  const length = range === undefined ? sizeBytes : range.end - range.start
  return {
    'content-type': contentType ?? 'application/octet-stream',
    'accept-ranges': 'bytes',
    ...(digest === undefined ? {} : digestHeaders(digest)),
    ...(length === undefined ? {} : { 'content-length': length }),
    ...(range === undefined || sizeBytes === undefined
      ? {}
      : { 'content-range': formatContentRange(range, sizeBytes) }),
  }
}

/** The header that tells where the bytes of an answer come from, as far as they are here. */
export function pullHeaders(pullId: number, content: TaskContent, range?: ByteRange) {
  return { [PULL_HEADER]: pullHeader(pullId, content.taskId, content.here(range ?? { start: 0 })) }
}

/**
 * The part of the content that a `Range` header asks for; undefined for the whole.
 * @throws UnsatisfiedRange
 */
export function requestedRange(header: string | undefined, sizeBytes: number | undefined): ByteRange | undefined {
  const wanted = parseRange(header)
  // Clients that put a range on every request get empty content whole, as from registries, not a 416.
  if (wanted === undefined || !sizeBytes) return undefined
  try {
    return resolveRange(wanted, sizeBytes)
  } catch (error) {
    throw new UnsatisfiedRange(sizeBytes, error)
  }
}

/** A range of which the content has nothing. */
export class UnsatisfiedRange extends DamselflyError {
  readonly sizeBytes: number

  constructor(sizeBytes: number, cause: unknown) {
    super('RANGE_INVALID', `the content has ${sizeBytes} bytes`, { cause })
    this.sizeBytes = sizeBytes
  }
}

/** The pieces of a read whose first was asked for before the headers went out. */
export async function* startingWith(
  first: IteratorResult<Uint8Array>,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    if (first.done !== true) yield first.value
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

function digestHeaders(digest: Digest) {
  return {
    'docker-content-digest': digest,
    'docker-distribution-api-version': 'registry/2.0',
    'cache-control': 'max-age=31536000',
    etag: `"${digest}"`,
  }
}
