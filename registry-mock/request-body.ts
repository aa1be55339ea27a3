import type { Readable } from 'node:stream'
import { DamselflyError } from '../protocol/errors.ts'

/**
 * Reads a request body. A body that is too large is read on without being kept, up to ten times the limit, because a
 * client that is still sending would see a reset connection in place of the answer.
 * @throws DamselflyError BODY_TOO_LARGE
 */
export async function readBody(body: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  const incoming: AsyncIterable<Uint8Array> = body.iterator({ destroyOnReturn: false })
  for await (const chunk of incoming) {
    sizeBytes += chunk.length
    if (sizeBytes <= limitBytes) chunks.push(chunk)
    else chunks.length = 0
    if (sizeBytes > limitBytes * 10) break
  }
  if (sizeBytes > limitBytes) throw new DamselflyError('BODY_TOO_LARGE', `at most ${limitBytes} bytes`)
  return Buffer.concat(chunks)
}
