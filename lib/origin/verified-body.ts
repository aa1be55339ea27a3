import { createDigester, type Digest, digestAlgorithm } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'

/**
 * A whole body as it comes, whose last chunk is given only when all of it hashes to the digest: nobody gets wrong content and
 * takes it for complete. A chunk is held until the next has come, so chunks must not share memory.
 * @throws DamselflyError CONTENT_CORRUPT in place of the last chunk
 */
export async function* verifiedBody(body: AsyncIterable<Uint8Array>, digest: Digest): AsyncGenerator<Uint8Array> {
  const digester = createDigester(digestAlgorithm(digest))
  let held: Uint8Array | undefined
  for await (const chunk of body) {
    if (held !== undefined) yield held
    digester.update(chunk)
    held = chunk
  }
  const actual = digester.digest()
  if (actual !== digest) throw new DamselflyError('CONTENT_CORRUPT', `expected ${digest}, got ${actual}`)
  if (held !== undefined) yield held
}
