import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Signs texts that come back to the same process. */
export interface Signer {
  sign(text: string): string
  verify(text: string, signature: string): boolean
}

/** A signer with a key of its own. */
export function createSigner(): Signer {
  const key = randomBytes(32)
  const sign = (text: string) => createHmac('sha256', key).update(text).digest('base64url')
  return {
    sign,
    verify(text, signature) {
      const [expected, actual] = [Buffer.from(sign(text)), Buffer.from(signature)]
      return expected.length === actual.length && timingSafeEqual(expected, actual)
    },
  }
}
