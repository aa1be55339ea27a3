import type { Peer } from '../../dfget/peer/peer.ts'
import type { TaskContent } from '../../dfget/peer/task/task-content.ts'
import type { AccessCheck } from '../../lib/origin/access.ts'
import type { Source } from '../../lib/origin/origin.ts'
import type { Digest } from '../../protocol/digest.ts'
import { type ByteRange, formatContentRange } from '../../protocol/range.ts'

/**
 * Opens content for its caller. What is here already, or on its way for somebody else, is not the caller's by that: the origin
 * must say yes to him too. For content that nobody has asked for, the download itself asks the origin in the caller's name.
 */
export function openForCaller(
  { peer, access }: { readonly peer: Pick<Peer, 'open'>; readonly access: Pick<AccessCheck, 'check'> },
  source: Source,
  { signal }: { signal: AbortSignal },
): Promise<TaskContent> {
  return peer.open(source, {
    signal,
    async mayRead() {
      await access.check(source, { allowStale: true, signal })
    },
  })
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
