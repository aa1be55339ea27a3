import { DamselflyError } from '../../../protocol/errors.ts'

/** Whether content was found to be other than its digest says. */
export function isCorrupt(error: unknown): boolean {
  return error instanceof DamselflyError && error.code === 'CONTENT_CORRUPT'
}
