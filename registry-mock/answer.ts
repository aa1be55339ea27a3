import { type DamselflyError, ociErrorBody } from '../protocol/errors.ts'
import { type ByteRange, formatUnsatisfiedRange } from '../protocol/range.ts'
import { type Content, memoryContent } from './content.ts'
import type { FaultSubject } from './faults.ts'

/** An answer as a route makes it; `AnswerSender` turns it into bytes on a socket. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Content
  /** The part of the body to send; all of it when absent. */
  readonly range?: ByteRange
  /** What the faults on the body are matched with; no such faults when absent. */
  readonly subject?: FaultSubject
  /** Called with the size of each piece of body as it is handed to the socket. */
  readonly onBytes?: (bytes: number) => void
}

/** An answer without a body. */
export function emptyAnswer(status: number, headers: Record<string, string> = {}): Answer {
  return { status, headers }
}

/** An answer with bytes that are at hand. */
export function bytesAnswer(status: number, bytes: Uint8Array, headers: Record<string, string>): Answer {
  return { status, headers, body: memoryContent([bytes]) }
}

/** An answer in JSON; `headers` may say a more exact content type. */
export function jsonAnswer(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return bytesAnswer(status, Buffer.from(JSON.stringify(value)), { 'content-type': 'application/json', ...headers })
}

/** An error in the form of the OCI distribution spec. */
export function errorAnswer(error: DamselflyError, headers: Record<string, string> = {}): Answer {
  return jsonAnswer(error.status, ociErrorBody(error), headers)
}

/** 416 with the size that the client needs to ask again (RFC 9110 §15.5.17). */
export function unsatisfiedRangeAnswer(error: DamselflyError, sizeBytes: number): Answer {
  return errorAnswer(error, { 'content-range': formatUnsatisfiedRange(sizeBytes) })
}
