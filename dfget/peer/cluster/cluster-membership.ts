import type { ClusterClock } from '../../../lib/cluster-clock.ts'
import type { Startable } from '../../../lib/lifecycle.ts'
import type { Logger } from '../../../lib/logger.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { MembershipGrant } from '../../../protocol/messages/membership.ts'
import type { MemberClient } from '../../../supernode/client/member-client.ts'

export interface ClusterMembershipComponents {
  readonly client: Pick<MemberClient, 'renew'>
  /** Takes each new credential, for connections that are made from then on and those that stand. */
  readonly renewed: (grant: MembershipGrant) => Promise<void>
  /** Learns the supernode's time with each new credential. */
  readonly clock: ClusterClock
  readonly logger: Logger
}

const TIMEOUT_MS = 10_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000

/**
 * Keeps a node's credential fresh: a new one at the start, and then whenever half of its life is over. Without a supernode the node
 * goes on with what it has.
 */
export class ClusterMembership implements Startable {
  readonly #components: ClusterMembershipComponents
  #stopped = new AbortController()
  #cancel = () => {}
  #retryMs = FIRST_RETRY_MS

  constructor(components: ClusterMembershipComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    this.#stopped = new AbortController()
    this.#after(0)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#cancel()
  }

  #after(delayMs: number): void {
    this.#cancel()
    this.#cancel = this.#components.clock.after(delayMs, () => void this.#renew())
  }

  async #renew(): Promise<void> {
    const { client, renewed, clock, logger } = this.#components
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(TIMEOUT_MS)])
    try {
      const grant = await client.renew({ signal })
      clock.learn(grant.now)
      await renewed(grant)
      this.#retryMs = FIRST_RETRY_MS
      if (!this.#stopped.signal.aborted) this.#after((grant.expiresAt - grant.now) / 2)
    } catch (error) {
      if (this.#stopped.signal.aborted) return
      if (isRefusal(error)) logger.error({ error }, 'not a member of the cluster any more; join it again')
      else logger.debug({ error }, 'membership not renewed yet')
      this.#after(this.#retryMs)
      this.#retryMs = isRefusal(error) ? LAST_RETRY_MS : Math.min(this.#retryMs * 2, LAST_RETRY_MS)
    }
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof DamselflyError && (error.code === 'NOT_A_MEMBER' || error.code === 'DENIED')
}
