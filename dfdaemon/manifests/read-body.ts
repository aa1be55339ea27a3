import { isEncoded } from '../../lib/origin/content-plan.ts'
import type { UpstreamResponse } from '../../lib/origin/http-fetch.ts'
import { DamselflyError } from '../../protocol/errors.ts'

/** Larger manifests than this are refused; the distribution spec wants at least 4 MiB to be accepted. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

/**
 * Reads an answer that fits into memory. Nobody asked for an encoding: content that comes in one is refused, a refusal is
 * read as if it said nothing.
 * @throws DamselflyError ORIGIN_FAILED when the answer is too large or encoded content
 */
export async function readBody({ status, headers, body }: UpstreamResponse): Promise<Buffer> {
  if (isEncoded(headers)) {
    body.destroy()
    if (status >= 400) return Buffer.alloc(0)
    throw new DamselflyError('ORIGIN_FAILED', 'an answer with a Content-Encoding, which was not asked for')
  }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new DamselflyError('ORIGIN_FAILED', `a body over ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}
