import type { Readable } from 'node:stream'
import { connectionReason } from './connection-error.ts'
import type { ContentPlan } from './content-plan.ts'
import { OriginError } from './origin-error.ts'
import { ResponseBoundError } from './outbound/response-bound-error.ts'

/**
 * Hands out the part of a response that was asked for, and makes sure that it is all there. Reading is paced by the
 * reader: a prefix to skip is read chunk by chunk and forgotten.
 * @throws OriginError ORIGIN_FAILED, RANGE_INVALID; the signal's reason when it aborts
 */
export async function* readContent(
  body: Readable,
  plan: ContentPlan,
  origin: { readonly host: string; readonly signal?: AbortSignal | undefined; readonly isClosed: () => boolean },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { host, signal } = origin
  const { start, end, bodyStart, bodyEnd } = plan
  const stopsBeforeBody = end !== undefined && (bodyEnd === undefined || end < bodyEnd)
  let position = bodyStart
  const endsEarly = (why: string, options?: ErrorOptions): OriginError =>
    new OriginError('ORIGIN_FAILED', `${host} ${why} at byte ${position} of ${end ?? 'unknown'}`, {}, options)

  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      const chunkStart = position
      position += chunk.length
      if (bodyEnd !== undefined && position > bodyEnd) {
        throw new OriginError('ORIGIN_FAILED', `${host} sent more than the ${bodyEnd - bodyStart} bytes it announced`)
      }
      const from = Math.max(start - chunkStart, 0)
      const to = end === undefined ? chunk.length : Math.min(end - chunkStart, chunk.length)
      if (from < to) yield from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to)
      if (stopsBeforeBody && position >= end) return
    }
  } catch (error) {
    if (error instanceof OriginError) throw error
    if (signal?.aborted) throw signal.reason
    if (origin.isClosed()) throw new DOMException('the content was closed while it was read', 'AbortError')
    if (error instanceof ResponseBoundError) throw endsEarly(error.message, { cause: error })
    throw endsEarly(`closed early (${connectionReason(error)})`, { cause: error })
  } finally {
    body.destroy()
  }

  if (bodyEnd === undefined && position <= start && start > 0) {
    throw new OriginError('RANGE_INVALID', `the content has ${position} bytes`)
  }
  if (position < (bodyEnd ?? 0) || (plan.sizeBytes !== undefined && position < (end ?? 0)))
    throw endsEarly('closed early')
}
