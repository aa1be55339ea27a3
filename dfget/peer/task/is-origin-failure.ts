import { OriginError } from '../../../lib/origin/origin-error.ts'
import { DamselflyError } from '../../../protocol/errors.ts'

/** Whether the origin, or the way to it, has failed, rather than the swarm, the store or the content. */
export function isOriginFailure(error: unknown): boolean {
  if (error instanceof OriginError) return true
  return (
    error instanceof DamselflyError && (error.code === 'ORIGIN_UNREACHABLE' || error.code === 'BACK_TO_SOURCE_DISABLED')
  )
}
