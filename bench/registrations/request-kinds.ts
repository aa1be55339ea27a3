import { digestOf } from '../../protocol/digest.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import { MAX_REGISTRATION_BYTES } from '../../protocol/messages/registration.ts'

/** What is wrong with a registration, and `valid` for one that is right. */
export type RequestKind =
  | 'valid'
  | 'malformedJson'
  | 'wrongSchema'
  | 'unknownField'
  | 'malformedPeer'
  | 'otherPeer'
  | 'wrongDigest'
  | 'oversize'
  | 'unknownContent'
  | 'forbidden'

/** What the answer to a registration has to be. */
export interface ExpectedAnswer {
  readonly status: number
  /** Of the error; undefined where it is to be admitted. */
  readonly code: ErrorCode | undefined
}

/** The right answer to each kind. */
export const EXPECTED: Readonly<Record<RequestKind, ExpectedAnswer>> = {
  valid: { status: 200, code: undefined },
  malformedJson: { status: 400, code: 'REQUEST_INVALID' },
  wrongSchema: { status: 400, code: 'REQUEST_INVALID' },
  unknownField: { status: 400, code: 'REQUEST_INVALID' },
  malformedPeer: { status: 400, code: 'REQUEST_INVALID' },
  otherPeer: { status: 403, code: 'DENIED' },
  wrongDigest: { status: 400, code: 'REQUEST_INVALID' },
  oversize: { status: 413, code: 'BODY_TOO_LARGE' },
  unknownContent: { status: 404, code: 'BLOB_UNKNOWN' },
  forbidden: { status: 401, code: 'UNAUTHORIZED' },
}

const INVALID = (Object.keys(EXPECTED) as RequestKind[]).filter(kind => kind !== 'valid')

/** Every fourth registration is invalid, in one way after the other. */
export function kindOf(index: number): RequestKind {
  const kind = index % 4 === 3 ? INVALID[((index - 3) / 4) % INVALID.length] : undefined
  return kind ?? 'valid'
}

/** What bodies are made of. */
export interface BodyParts {
  readonly peerId: string
  /** Of another member. */
  readonly otherPeerId: string
  /** URL of a blob that everybody may read, and its digest. */
  readonly url: string
  readonly digest: string
  /** URL of a blob that only an account may read, and its digest. */
  readonly privateUrl: string
  readonly privateDigest: string
}

/** The body of a registration. */
export function bodyOf(
  kind: RequestKind,
  { peerId, otherPeerId, url, digest, privateUrl, privateDigest }: BodyParts,
): string {
  const source = { url, headers: {}, digest }
  const good = JSON.stringify({ peerId, source })
  switch (kind) {
    case 'malformedJson':
      return good.slice(0, -2)
    case 'wrongSchema':
      return JSON.stringify({ peerId, source: [source] })
    case 'unknownField':
      return JSON.stringify({ peerId, source, path: '/etc/passwd' })
    case 'malformedPeer':
      return JSON.stringify({ peerId: `${peerId}/../0`, source })
    case 'otherPeer':
      return JSON.stringify({ peerId: otherPeerId, source })
    case 'wrongDigest':
      return JSON.stringify({ peerId, source: { ...source, digest: digest.slice(0, -1) } })
    case 'oversize':
      return JSON.stringify({ peerId, source: { ...source, headers: { filler: 'x'.repeat(MAX_REGISTRATION_BYTES) } } })
    case 'unknownContent': {
      const unknown = digestOf(Buffer.from(`${peerId} ${digest}`))
      return JSON.stringify({ peerId, source: { ...source, url: url.replace(digest, unknown), digest: unknown } })
    }
    case 'forbidden':
      return JSON.stringify({ peerId, source: { ...source, url: privateUrl, digest: privateDigest } })
    default:
      return good
  }
}
