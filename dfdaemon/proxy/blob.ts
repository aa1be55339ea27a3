import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Peer } from '../../dfget/peer/peer.ts'
import type { TaskContent } from '../../dfget/peer/task/task-content.ts'
import type { Logger } from '../../lib/logger.ts'
import type { AccessCheck } from '../../lib/origin/access.ts'
import type { Source } from '../../lib/origin/origin.ts'
import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import {
  type ByteRange,
  formatContentRange,
  formatUnsatisfiedRange,
  parseRange,
  resolveRange,
} from '../../protocol/range.ts'
import { answerFailure } from './oci-failure.ts'
import { sendBody } from './send-body.ts'

export interface BlobComponents {
  readonly peer: Peer
  /** Whether a caller may have what is here already. */
  readonly access: AccessCheck
  readonly logger: Logger
  /** Counts body bytes sent to clients. */
  readonly account: { blobBytes(bytes: number): void }
}

export interface BlobOptions {
  /** Whether the blob may go through the swarm. */
  readonly p2p: boolean
  readonly signal: AbortSignal
}

/** Answers `GET …/blobs/<digest>` through the swarm: no header goes out before the first verified byte is in hand. */
export async function answerBlob(
  components: BlobComponents,
  request: FastifyRequest,
  reply: FastifyReply,
  source: Source & { digest: Digest },
  { p2p, signal }: BlobOptions,
): Promise<FastifyReply> {
  try {
    const content = await openBlob(components, source, { p2p, signal })
    const range = requestedRange(request.headers.range, content.sizeBytes)
    const pieces = content.read(range ?? { start: 0 }, { signal })
    const first = await pieces.next()
    if (p2p) components.access.grant(source, { sizeBytes: content.sizeBytes, validator: undefined })
    reply.hijack()
    reply.raw.writeHead(range === undefined ? 200 : 206, blobHeaders(source.digest, content, range))
    const sent = await sendBody(reply.raw, startingWith(first, pieces), { signal })
    components.account.blobBytes(sent)
  } catch (error) {
    if (reply.sent || signal.aborted) components.logger.debug({ digest: source.digest, error }, 'blob cut short')
    else return refuse(reply, error)
  }
  return reply
}

/**
 * Opens a blob for its caller. What is here already, or on its way for somebody else, is not the caller's by that: the registry
 * must say yes to him too. For a blob that nobody has asked for, the download itself asks the registry in the caller's name.
 */
async function openBlob(
  { peer, access }: BlobComponents,
  source: Source & { digest: Digest },
  { p2p, signal }: BlobOptions,
): Promise<TaskContent> {
  if (!p2p) return peer.openDirect(source, { signal })
  return peer.open(source, {
    signal,
    async mayRead() {
      await access.check(source, { allowStale: true, signal })
    },
  })
}

/** The headers of a blob that is stored here, for `HEAD`. */
export function answerStoredHead(reply: FastifyReply, digest: Digest, sizeBytes: number): FastifyReply {
  return reply
    .code(200)
    .headers({ ...commonHeaders(digest, undefined), 'content-length': sizeBytes })
    .send()
}

/** @throws DamselflyError RANGE_INVALID */
function requestedRange(header: string | undefined, sizeBytes: number | undefined): ByteRange | undefined {
  const wanted = parseRange(header)
  // Clients that put a range on every request get empty content whole, as from registries, not a 416.
  if (wanted === undefined || !sizeBytes) return undefined
  try {
    return resolveRange(wanted, sizeBytes)
  } catch (error) {
    throw new UnsatisfiedRange(sizeBytes, error)
  }
}

class UnsatisfiedRange extends DamselflyError {
  readonly sizeBytes: number

  constructor(sizeBytes: number, cause: unknown) {
    super('RANGE_INVALID', `the blob has ${sizeBytes} bytes`, { cause })
    this.sizeBytes = sizeBytes
  }
}

function refuse(reply: FastifyReply, error: unknown): FastifyReply {
  if (error instanceof UnsatisfiedRange) reply.header('content-range', formatUnsatisfiedRange(error.sizeBytes))
  return answerFailure(reply, error, 'BLOB_UNKNOWN')
}

function blobHeaders(digest: Digest, content: TaskContent, range: ByteRange | undefined) {
  const { sizeBytes } = content
  const length = range === undefined ? sizeBytes : range.end - range.start
  return {
    ...commonHeaders(digest, content.contentType),
    ...(length === undefined ? {} : { 'content-length': length }),
    ...(range === undefined || sizeBytes === undefined
      ? {}
      : { 'content-range': formatContentRange(range, sizeBytes) }),
  }
}

function commonHeaders(digest: Digest, contentType: string | undefined) {
  return {
    'content-type': contentType ?? 'application/octet-stream',
    'docker-content-digest': digest,
    'docker-distribution-api-version': 'registry/2.0',
    'accept-ranges': 'bytes',
    'cache-control': 'max-age=31536000',
    etag: `"${digest}"`,
  }
}

async function* startingWith(
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
