import type { Clock } from '../../lib/clock.ts'
import { type Digest, isDigest } from '../../protocol/digest.ts'
import { type Answer, bytesAnswer } from '../answer.ts'
import type { Signer } from '../auth/signer.ts'
import type { ContentStore } from '../content-store.ts'
import { answerByFault } from '../fault-answer.ts'
import type { Faults } from '../faults.ts'
import type { RegistryRequest } from '../registry-request.ts'
import type { Stats } from '../stats.ts'
import { answerBlob } from './blob-answer.ts'

/** What the storage works with. */
export interface StorageComponents {
  readonly content: ContentStore
  readonly faults: Faults
  readonly stats: Stats
  readonly signer: Signer
  readonly clock: Clock
}

/** What a signed URL names. */
export interface StorageTarget {
  readonly digest: Digest
  readonly name: string
}

/** The path and query under which the storage gives a blob to GET requests, until the given wall-clock time. */
export function signStoragePath(signer: Signer, { digest, name }: StorageTarget, expiresAtMs: number): string {
  const query = new URLSearchParams({ name, expires: String(expiresAtMs) })
  query.set('signature', signer.sign(signedText('GET', digest, name, String(expiresAtMs))))
  return `/storage/${digest}?${query}`
}

/**
 * An object store as registries redirect to: it looks at the signature alone. As at S3, a request with `Authorization`
 * besides the signature is 400, and one that is not what was signed (another method, too late) is 403.
 */
export function createStorageRoute(components: StorageComponents) {
  const { content, signer, clock } = components
  return async (request: RegistryRequest): Promise<Answer> => {
    const { method, headers, query, signal } = request
    const digest = request.path.slice('/storage/'.length)
    const [name, expires] = [query.get('name') ?? '', query.get('expires') ?? '']
    if (headers.authorization !== undefined) {
      return refusal(400, 'InvalidArgument', 'Only one auth mechanism allowed')
    }
    if (!isDigest(digest) || !signer.verify(signedText(method, digest, name, expires), query.get('signature') ?? '')) {
      return refusal(403, 'SignatureDoesNotMatch', 'The signature is not for this request')
    }
    if (Number(expires) <= clock.wallTime()) return refusal(403, 'AccessDenied', 'Request has expired')
    const blob = content.find(digest)
    if (blob === undefined) return refusal(404, 'NoSuchKey', 'The key does not exist')
    const subject = { kind: 'blob', method, digest, repository: name } as const
    return (
      (await answerByFault(components, subject, signal)) ??
      answerBlob(components, { method, headers, digest, content: blob, subject })
    )
  }
}

function signedText(method: string, digest: string, name: string, expires: string): string {
  return [method, digest, name, expires].join('\n')
}

/** Object stores answer errors in XML. */
function refusal(status: number, code: string, message: string): Answer {
  const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return bytesAnswer(status, Buffer.from(xml), { 'content-type': 'application/xml' })
}
