import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Peer } from '../../dfget/peer/peer.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Source } from '../../lib/origin/origin.ts'
import type { Digest } from '../../protocol/digest.ts'
import { formatUnsatisfiedRange } from '../../protocol/range.ts'
import { contentHeaders, UnsatisfiedRange } from './content.ts'
import { type GiveContentComponents, giveContent } from './give-content.ts'
import { answerFailure } from './oci-failure.ts'

export interface BlobComponents extends GiveContentComponents {
  readonly peer: Peer
  readonly logger: Logger
}

export interface BlobOptions {
  readonly registry: string
  readonly repository: string
  /** Whether the blob may go through the swarm. */
  readonly p2p: boolean
  readonly signal: AbortSignal
}

/** Answers `GET …/blobs/<digest>`. */
export async function answerBlob(
  components: BlobComponents,
  { headers }: FastifyRequest,
  reply: FastifyReply,
  source: Source & { digest: Digest },
  { registry, repository, p2p, signal }: BlobOptions,
): Promise<FastifyReply> {
  try {
    await giveContent(components, {
      source,
      subject: { registry, repository, client: headers['user-agent'] ?? null },
      range: headers.range,
      p2p,
      begin: (status, fields) => reply.hijack().raw.writeHead(status, fields),
      signal,
    })
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

function refuse(reply: FastifyReply, error: unknown): FastifyReply {
  if (error instanceof UnsatisfiedRange) reply.header('content-range', formatUnsatisfiedRange(error.sizeBytes))
  return answerFailure(reply, error, 'BLOB_UNKNOWN')
}
