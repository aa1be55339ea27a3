import { CLOCK_TOLERANCE_MS, createMembershipVerifier, type MembershipVerifier } from '../../../protocol/membership.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { Admitted, PeerAdmission } from './peer-admission.ts'

export interface MembershipAdmissionComponents {
  readonly clock: Pick<Clock, 'wallTime'>
  readonly logger: Logger
  readonly account: { refused(): void }
}

export interface MembershipAdmissionInit {
  /** This node's PeerId. */
  readonly peer: string
  /** The public part of the cluster's key, in base64url. */
  readonly clusterKey: string
}

/** Admits the members of one cluster, by their credentials. */
export class MembershipAdmission implements PeerAdmission {
  readonly #components: MembershipAdmissionComponents
  readonly #peer: string
  readonly #verifier: MembershipVerifier
  readonly #listeners = new Set<() => void>()
  #credential: Uint8Array | undefined

  /** @throws DamselflyError NOT_A_MEMBER when the cluster's key is no key */
  constructor(components: MembershipAdmissionComponents, { peer, clusterKey }: MembershipAdmissionInit) {
    this.#components = components
    this.#peer = peer
    this.#verifier = createMembershipVerifier(clusterKey)
  }

  /** Shows this credential from now on. @throws DamselflyError NOT_A_MEMBER when it is not one of this node's */
  renew(credential: Uint8Array): void {
    this.#verifier.verify(credential, { peer: this.#peer }, this.#components.clock.wallTime())
    this.#credential = credential
    for (const listener of this.#listeners) listener()
  }

  own(): Uint8Array | undefined {
    return this.#credential
  }

  check(peer: string, shown: Uint8Array): Admitted {
    const { expiresAt } = this.#verifier.verify(shown, { peer }, this.#components.clock.wallTime())
    return { expiresAt: expiresAt + CLOCK_TOLERANCE_MS }
  }

  onRenewed(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  refused(peer: string, error: Error): void {
    this.#components.account.refused()
    this.#components.logger.debug({ peer, error }, 'no connection for who is not a member')
  }
}
