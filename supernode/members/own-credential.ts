import type { Clock } from '../../lib/clock.ts'
import type { Startable } from '../../lib/lifecycle.ts'
import type { MembershipAdmission } from '../../lib/p2p/admission/membership-admission.ts'
import { signMembership } from '../../protocol/membership.ts'
import type { ClusterKey } from '../../protocol/signed-statement.ts'

export interface OwnCredentialComponents {
  readonly admission: Pick<MembershipAdmission, 'renew'>
  readonly clusterKey: ClusterKey
  readonly clock: Clock
}

/** What a supernode shows to peers: a credential like theirs, which it gives to itself as long as it runs. */
export function createOwnCredential(
  { admission, clusterKey, clock }: OwnCredentialComponents,
  { peer, lifetimeMs }: { readonly peer: string; readonly lifetimeMs: number },
): Startable {
  let cancel = () => {}

  function renew(): void {
    const issuedAt = clock.wallTime()
    admission.renew(signMembership({ peer, issuedAt, expiresAt: issuedAt + lifetimeMs }, clusterKey))
  }

  return {
    async start() {
      cancel()
      renew()
      cancel = clock.every(lifetimeMs / 2, renew)
    },
    async stop() {
      cancel()
    },
  }
}
