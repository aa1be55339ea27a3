import type { ResumableRead } from '../../../lib/origin/read-resumable.ts'
import { type Digest, digestAlgorithm, digestOf } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { OriginReason } from '../../../protocol/messages/daemon-api.ts'
import type { RegistrationAnswer } from '../../../protocol/messages/registration.ts'
import { SMALL_CONTENT_BYTES } from '../../../protocol/small-content.ts'
import { type Account, type BlockSender, because, book, emptyAccount } from './account.ts'

/** Content that is in memory as a whole, and nowhere else here. */
export class SmallContent {
  readonly bytes: Uint8Array
  readonly contentType: string | undefined
  readonly account: Account = emptyAccount()

  constructor(bytes: Uint8Array, contentType: string | undefined, sender: BlockSender) {
    this.bytes = bytes
    this.contentType = contentType
    book(this.account, sender, bytes.length)
  }
}

/** The content that came with a registration; undefined when none did, or it is not what its digest says. */
export function inlineContent(
  { content, contentType }: RegistrationAnswer,
  digest: Digest | undefined,
): SmallContent | undefined {
  if (content === undefined) return undefined
  const bytes = Buffer.from(content, 'base64')
  if (digest !== undefined && digestOf(bytes, digestAlgorithm(digest)) !== digest) return undefined
  return new SmallContent(bytes, contentType, 'supernode')
}

/** Whether a read of an origin is that of small content. */
export function isSmall({ sizeBytes }: ResumableRead): boolean {
  return sizeBytes !== undefined && sizeBytes <= SMALL_CONTENT_BYTES
}

/** Reads small content from its origin. @throws DamselflyError what the read throws */
export async function readSmallContent(read: ResumableRead, reason: OriginReason): Promise<SmallContent> {
  const bytes = new Uint8Array(read.sizeBytes ?? 0)
  let position = 0
  for await (const chunk of read.body) {
    if (position + chunk.length > bytes.length) throw new DamselflyError('ORIGIN_FAILED', 'it sent more than announced')
    bytes.set(chunk, position)
    position += chunk.length
  }
  const content = new SmallContent(bytes.subarray(0, position), read.contentType, 'origin')
  because(content.account, reason)
  return content
}
