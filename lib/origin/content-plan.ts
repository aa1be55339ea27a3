import { parseContentRange } from '../../protocol/range.ts'
import type { HeaderRecord } from './request-headers.ts'

/** What part of a response's body is the content that was asked for. Offsets are those of the whole content. */
export interface ContentPlan {
  readonly sizeBytes: number | undefined
  /** Offset of the response's first byte. */
  readonly bodyStart: number
  /** Where the response's body must end; undefined when it ends with the connection or a last chunk. */
  readonly bodyEnd: number | undefined
  /** First byte to hand out. */
  readonly start: number
  /** Where to stop; undefined for the end of the body. */
  readonly end: number | undefined
}

/** What was asked for. */
export interface Slice {
  readonly start: number
  /** Exclusive; to the end of the content when undefined. */
  readonly end: number | undefined
}

/** A response whose headers do not fit what was asked for: what is wrong, or that the slice lies behind the content. */
export type Misfit = { readonly misfit: string } | { readonly outside: number }

/** Matches a 200 or 206 with what was asked for (RFC 9110 §14.4, §15.3.7). */
export function planContent(status: 200 | 206, headers: HeaderRecord, asked: Slice): ContentPlan | Misfit {
  if (isEncoded(headers)) return { misfit: 'with a Content-Encoding, which was not asked for' }
  const length = contentLength(headers['content-length'])
  if (length === 'bad') return { misfit: 'with a Content-Length that is malformed or above 2^53' }
  return status === 200 ? planWhole(length, asked) : planPart(length, headers, asked)
}

function planWhole(length: number | undefined, { start, end }: Slice): ContentPlan | Misfit {
  if (length !== undefined && start > 0 && start >= length) return { outside: length }
  const stop = end === undefined ? length : Math.min(end, length ?? end)
  return { sizeBytes: length, bodyStart: 0, bodyEnd: length, start, end: stop }
}

function planPart(length: number | undefined, headers: HeaderRecord, { start, end }: Slice): ContentPlan | Misfit {
  const range = parseContentRange(headers['content-range'])
  if (range === undefined) return { misfit: 'without a usable Content-Range' }
  if (range.start !== start) return { misfit: `from byte ${range.start} instead of ${start}` }
  if (end !== undefined && range.end > end) return { misfit: `up to byte ${range.end} instead of ${end}` }
  if (length !== undefined && length !== range.end - range.start) {
    return { misfit: 'with a Content-Length that contradicts its Content-Range' }
  }
  // A part that is shorter than asked is read as a body that ends early, from where the caller resumes.
  const { sizeBytes } = range
  const stop = sizeBytes === undefined ? range.end : Math.min(end ?? sizeBytes, sizeBytes)
  return { sizeBytes, bodyStart: start, bodyEnd: range.end, start, end: stop }
}

/** Whether a response has a `Content-Encoding` that changes the bytes (RFC 9110 §8.4). */
export function isEncoded(headers: HeaderRecord): boolean {
  const encoding = (headers['content-encoding'] ?? '').trim().toLowerCase()
  return encoding !== '' && encoding !== 'identity'
}

/** The size that a `Content-Length` tells; undefined when there is none, `bad` when it is malformed or above 2^53. */
export function contentLength(header: string | undefined): number | undefined | 'bad' {
  if (header === undefined) return undefined
  const length = /^\d{1,16}$/.test(header) ? Number(header) : Number.NaN
  return Number.isSafeInteger(length) ? length : 'bad'
}

/** A strong ETag with its quotes, or else Last-Modified; both can guard a later range request (RFC 9110 §13.1.5). */
export function validatorOf(headers: HeaderRecord): string | undefined {
  return strongEtag(headers) ?? headers['last-modified']
}

/** Whether a response shows that the content is no longer what a validator named. */
export function contradicts(headers: HeaderRecord, validator: string): boolean {
  const current = validator.startsWith('"') ? strongEtag(headers) : headers['last-modified']
  return current !== undefined && current !== validator
}

function strongEtag({ etag }: HeaderRecord): string | undefined {
  return etag?.startsWith('"') ? etag : undefined
}
