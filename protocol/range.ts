import { DamselflyError } from './errors.ts'

/** A slice of content in bytes: `start` inclusive, `end` exclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * What a `Range` header asks for (RFC 9110 §14.1.2). `from` has no upper end, `suffix` counts from the end of the content.
 */
export type RangeRequest =
  | { kind: 'bounded'; start: number; end: number }
  | { kind: 'from'; start: number }
  | { kind: 'suffix'; lengthBytes: number }

/**
 * Reads a `Range` header that asks for one range. Returns undefined for what RFC 9110 tells a server to ignore: another
 * unit, several ranges, or bad syntax. Numbers past 2^53 saturate, because such a range cannot be satisfied anyway.
 */
export function parseRange(header: string | undefined): RangeRequest | undefined {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? '')
  const [, first = '', last = ''] = match ?? []
  if (match === null || (first === '' && last === '')) return undefined
  if (first === '') return { kind: 'suffix', lengthBytes: saturate(last) }
  if (last === '') return { kind: 'from', start: saturate(first) }
  return { kind: 'bounded', start: saturate(first), end: saturate(last) + 1 }
}

/**
 * Applies a range request to content of a known size.
 * @throws DamselflyError RANGE_INVALID when no byte of the content lies inside, also for a last position before the first
 */
export function resolveRange(request: RangeRequest, sizeBytes: number): ByteRange {
  const range =
    request.kind === 'suffix'
      ? { start: Math.max(0, sizeBytes - request.lengthBytes), end: sizeBytes }
      : { start: request.start, end: request.kind === 'from' ? sizeBytes : Math.min(request.end, sizeBytes) }
  if (range.start >= range.end) throw new DamselflyError('RANGE_INVALID', `the content has ${sizeBytes} bytes`)
  return range
}

/** `Content-Range` of a 206 answer. */
export function formatContentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.start}-${range.end - 1}/${sizeBytes}`
}

/** `Content-Range` of a 416 answer. */
export function formatUnsatisfiedRange(sizeBytes: number): string {
  return `bytes */${sizeBytes}`
}

/** `Range` header that asks for a slice, open-ended when `end` is not given. */
export function formatRange(start: number, end?: number): string {
  return `bytes=${start}-${end === undefined ? '' : end - 1}`
}

/** What a `Content-Range` header of a 206 says; `sizeBytes` is undefined for `*`. Undefined when it is malformed. */
export function parseContentRange(
  header: string | undefined,
): (ByteRange & { sizeBytes: number | undefined }) | undefined {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(header ?? '')
  if (match === null) return undefined
  const [, first = '', last = '', size = ''] = match
  const range = { start: Number(first), end: Number(last) + 1, sizeBytes: size === '*' ? undefined : Number(size) }
  const { start, end, sizeBytes = end } = range
  const sane = start < end && end <= sizeBytes && Number.isSafeInteger(end) && Number.isSafeInteger(sizeBytes)
  return sane ? range : undefined
}

function saturate(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER - 1)
}
