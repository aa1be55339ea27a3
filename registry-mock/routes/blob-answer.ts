import type { IncomingHttpHeaders } from 'node:http'
import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { type ByteRange, formatContentRange, parseRange, resolveRange } from '../../protocol/range.ts'
import { type Answer, unsatisfiedRangeAnswer } from '../answer.ts'
import { type Content, wholeOf } from '../content.ts'
import type { FaultSubject, Faults } from '../faults.ts'
import type { Stats } from '../stats.ts'

/** What is asked of a blob. */
export interface BlobRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly digest: Digest
  readonly content: Content
  readonly subject: FaultSubject
}

/** Answers GET and HEAD of a blob: 200, 206 for a Range, 416 for one outside the content (RFC 9110 §14). */
export function answerBlob({ faults, stats }: { faults: Faults; stats: Stats }, request: BlobRequest): Answer {
  const { method, headers, digest, content, subject } = request
  const etag = `"${digest}"`
  const common = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag,
  }
  if (method === 'HEAD') {
    stats.countBlobHead(digest)
    return { status: 200, headers: common, body: content }
  }
  const asked = parseRange(rangeHeader(headers, etag))
  const ignored = asked !== undefined && faults.take(subject, ['ignore-range']) !== undefined
  if (asked === undefined || ignored) {
    const onBytes = stats.beginBlob(digest, wholeOf(content))
    return { status: 200, headers: common, body: content, subject, onBytes }
  }
  let range: ByteRange
  try {
    range = resolveRange(asked, content.sizeBytes)
  } catch (error) {
    if (error instanceof DamselflyError) return unsatisfiedRangeAnswer(error, content.sizeBytes)
    throw error
  }
  const partial = { ...common, 'content-range': formatContentRange(range, content.sizeBytes) }
  return { status: 206, headers: partial, body: content, range, subject, onBytes: stats.beginBlob(digest, range) }
}

/** The Range header, unless If-Range names something else than this content (RFC 9110 §13.1.5). */
function rangeHeader(headers: IncomingHttpHeaders, etag: string): string | undefined {
  const condition = headers['if-range']
  return condition === undefined || condition === etag ? headers.range : undefined
}
