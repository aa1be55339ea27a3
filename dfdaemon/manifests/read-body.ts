import type { UpstreamResponse } from '../../lib/origin/http-fetch.ts'
import { DamselflyError } from '../../protocol/errors.ts'

/** Larger manifests than this are refused; the distribution spec wants at least 4 MiB to be accepted. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

/** Reads an answer that fits into memory. @throws DamselflyError ORIGIN_FAILED when it does not */
export async function readBody({ body }: UpstreamResponse): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new DamselflyError('ORIGIN_FAILED', `a body over ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}
