/**
 * The one error table: code → HTTP status, whether the same request may succeed later, and what it means.
 * Codes that the OCI distribution spec defines keep the spec's name; the rest are ours.
 * `docs/errors.md` is generated from this table.
 */
export const ERRORS = {
  BLOB_UNKNOWN: { status: 404, retryable: false, message: 'blob unknown to registry' },
  BLOB_UPLOAD_INVALID: { status: 400, retryable: false, message: 'blob upload invalid' },
  BLOB_UPLOAD_UNKNOWN: { status: 404, retryable: false, message: 'blob upload unknown to registry' },
  DENIED: { status: 403, retryable: false, message: 'requested access to the resource is denied' },
  DIGEST_INVALID: { status: 400, retryable: false, message: 'digest is malformed or does not match the content' },
  MANIFEST_BLOB_UNKNOWN: { status: 404, retryable: false, message: 'manifest references a blob unknown to registry' },
  MANIFEST_INVALID: { status: 400, retryable: false, message: 'manifest invalid' },
  MANIFEST_UNKNOWN: { status: 404, retryable: false, message: 'manifest unknown to registry' },
  NAME_INVALID: { status: 400, retryable: false, message: 'invalid repository name' },
  NAME_UNKNOWN: { status: 404, retryable: false, message: 'repository name not known to registry' },
  SIZE_INVALID: { status: 400, retryable: false, message: 'size does not match the content length' },
  TOOMANYREQUESTS: { status: 429, retryable: true, message: 'too many requests' },
  UNAUTHORIZED: { status: 401, retryable: false, message: 'authentication required' },
  UNSUPPORTED: { status: 405, retryable: false, message: 'the operation is unsupported' },
  RANGE_INVALID: { status: 416, retryable: false, message: 'the requested range lies outside the content' },

  AUDIT_BROKEN: { status: 500, retryable: false, message: 'the audit log was changed, or lacks records' },
  BACK_TO_SOURCE_DISABLED: {
    status: 503,
    retryable: true,
    message: 'the swarm did not give the content, and its origin may not be read from here',
  },
  BLOCK_CORRUPT: { status: 502, retryable: true, message: 'a block does not match its digest in the block map' },
  BODY_TOO_LARGE: { status: 413, retryable: false, message: 'the request body is larger than this route accepts' },
  BLOCK_LATE: { status: 504, retryable: true, message: 'a block did not arrive in time' },
  CONFIG_INVALID: { status: 500, retryable: false, message: 'the configuration is invalid' },
  CONTENT_CORRUPT: { status: 502, retryable: true, message: 'the content does not match its digest' },
  DAEMON_UNREACHABLE: { status: 503, retryable: true, message: 'the dfdaemon could not be reached' },
  FRAME_TOO_LARGE: { status: 400, retryable: false, message: 'a frame is longer than the protocol allows' },
  INPUT_FAILED: { status: 500, retryable: false, message: 'the input cannot be read' },
  INTERNAL: { status: 500, retryable: true, message: 'internal error' },
  LOOP_DETECTED: { status: 508, retryable: false, message: 'this dfdaemon asks itself' },
  MESSAGE_INVALID: { status: 400, retryable: false, message: 'a message does not match its schema' },
  NOT_A_MEMBER: { status: 403, retryable: false, message: 'a node is not a member of this cluster' },
  ORIGIN_FAILED: { status: 502, retryable: true, message: 'the origin answered with an error' },
  ORIGIN_UNREACHABLE: { status: 502, retryable: true, message: 'the origin could not be reached' },
  PROGRAM_FAILED: { status: 500, retryable: false, message: 'a program that this one started has failed' },
  OUTPUT_FAILED: { status: 500, retryable: false, message: 'the output cannot be written' },
  REQUEST_INVALID: { status: 400, retryable: false, message: 'the request is malformed' },
  ROUTE_UNKNOWN: { status: 404, retryable: false, message: 'no such route' },
  STORE_FAILED: { status: 500, retryable: true, message: 'the block store could not read or write' },
  STORE_FULL: { status: 507, retryable: true, message: 'the block store has no room' },
  SUPERNODE_UNREACHABLE: { status: 503, retryable: true, message: 'the supernode could not be reached' },
  NOT_BLOCKED: { status: 404, retryable: false, message: 'it is not on the blocklist' },
  PEER_UNKNOWN: { status: 404, retryable: false, message: 'peer unknown' },
  PREHEAT_UNKNOWN: { status: 404, retryable: false, message: 'no such preheat job' },
  TASK_BLOCKED: { status: 403, retryable: false, message: 'an operator has blocked this content' },
  TASK_UNKNOWN: { status: 404, retryable: false, message: 'task unknown' },
  TOKEN_UNKNOWN: { status: 404, retryable: false, message: 'no such token' },
  TOKEN_INVALID: { status: 401, retryable: false, message: 'the token is malformed, expired, used up or revoked' },
  TICKET_INVALID: {
    status: 403,
    retryable: false,
    message: 'the ticket is missing, expired or not signed by this cluster',
  },
} as const satisfies Record<string, ErrorEntry>

/** One row of the error table. */
export interface ErrorEntry {
  /** HTTP status under which the error is answered. */
  readonly status: number
  /** Whether the same request may succeed when it is sent again later. */
  readonly retryable: boolean
  /** What happened, in a sentence without a full stop. */
  readonly message: string
}

/** A code of the error table. */
export type ErrorCode = keyof typeof ERRORS

/** Every expected failure in Damselfly. `code` picks the row of the table; `detail` says what to do about this one. */
export class DamselflyError extends Error {
  override readonly name: string = 'DamselflyError'
  readonly code: ErrorCode
  readonly detail: string | undefined

  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? ERRORS[code].message : `${ERRORS[code].message}: ${detail}`, options)
    this.code = code
    this.detail = detail
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable
  }
}

/** Whether the text is a code of the table. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text)
}

/** The body of a failed registry request (OCI distribution spec, "Error codes"). */
export interface OciErrorBody {
  errors: { code: string; message: string; detail?: string }[]
}

/** An error in the form that every `/v2/` route answers. Codes outside the spec are allowed there by the spec. */
export function ociErrorBody(error: DamselflyError): OciErrorBody {
  const { code, detail } = error
  return { errors: [{ code, message: ERRORS[code].message, ...(detail === undefined ? {} : { detail }) }] }
}

/** Turns whatever was thrown into a table error, keeping the original as `cause`. Unknown errors become INTERNAL. */
export function toDamselflyError(thrown: unknown): DamselflyError {
  return thrown instanceof DamselflyError ? thrown : new DamselflyError('INTERNAL', undefined, { cause: thrown })
}
