import type { AccessCheck } from '../../lib/origin/access.ts'
import type { Origin } from '../../lib/origin/origin.ts'
import { isSwarmUrl } from '../../protocol/swarm-url.ts'

/** Says whether a requester may read, see {@link AccessCheck}. */
export type Admission = Pick<AccessCheck, 'check'>

export interface AdmissionComponents {
  readonly swarm: Pick<Origin, 'check'>
  readonly access: Admission
}

/** Asks the origin of a source. What is imported is asked about anew each time: that costs nothing, and ends with the import. */
export function admissionByScheme({ swarm, access }: AdmissionComponents): Admission {
  return {
    check: (source, options) => (isSwarmUrl(source.url) ? swarm.check(source, options) : access.check(source, options)),
  }
}
