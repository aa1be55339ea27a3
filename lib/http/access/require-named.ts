import { DamselflyError } from '../../../protocol/errors.ts'
import type { Identity } from './identity.ts'

/** Whether somebody sees no more of a list than the entry that he names: programs of the machine that have no other role. */
export function seesNamedOnly({ roles }: Identity): boolean {
  return roles.has('local') && !roles.has('viewer') && !roles.has('operator')
}

/**
 * Checks that whoever sees no more than what he names, names it.
 * @param id of what is asked for; undefined for all there is
 * @throws DamselflyError DENIED
 */
export function requireNamed(identity: Identity, id: string | number | undefined): void {
  if (id !== undefined || !seesNamedOnly(identity)) return
  throw new DamselflyError(
    'DENIED',
    'programs of the machine see one by its id; all of them are for viewers and operators',
  )
}
