import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Peer } from '../../dfget/peer/peer.ts'
import type { Logger } from '../../lib/logger.ts'
import type { AccessCheck } from '../../lib/origin/access.ts'
import type { Source } from '../../lib/origin/origin.ts'
import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { type ByteRange, formatUnsatisfiedRange, parseRange, resolveRange } from '../../protocol/range.ts'
import { contentHeaders, openForCaller, startingWith } from './content.ts'
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
    const { peer } = components
    const content = p2p
      ? await openForCaller(components, source, { signal })
      : await peer.openDirect(source, { signal })
    const range = requestedRange(request.headers.range, content.sizeBytes)
    const pieces = content.read(range ?? { start: 0 }, { signal })
    const first = await pieces.next()
    if (p2p) components.access.grant(source, { sizeBytes: content.sizeBytes, validator: undefined })
    reply.hijack()
    reply.raw.writeHead(range === undefined ? 200 : 206, contentHeaders(content, source.digest, range))
    const sent = await sendBody(reply.raw, startingWith(first, pieces), { signal })
    components.account.blobBytes(sent)
  } catch (error) {
    if (reply.sent || signal.aborted) components.logger.debug({ digest: source.digest, error }, 'blob cut short')
    else return refuse(reply, error)
  }
  return reply
}

/** The headers of a blob that is stored here, for `HEAD`. */
export function answerStoredHead(reply: FastifyReply, digest: Digest, sizeBytes: number): FastifyReply {
  return reply
    .code(200)
    .headers(contentHeaders({ contentType: undefined, sizeBytes }, digest))
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
