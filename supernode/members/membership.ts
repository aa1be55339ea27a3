import type { Clock } from '../../lib/clock.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { Blocklist } from '../blocklist/blocklist.ts'
import type { Expulsions } from './expulsions.ts'
import type { Member } from './member.ts'
import type { Credential, Members } from './members.ts'

/** Checks a token that lets a node in, and takes one of its uses. */
export interface TokenGate {
  /** @returns the token's id. @throws DamselflyError TOKEN_INVALID */
  spend(token: string): Promise<string>
}

export interface MembershipComponents {
  readonly members: Members
  readonly expulsions: Expulsions
  readonly blocklist: Pick<Blocklist, 'blocksPeer'>
  readonly tokens: TokenGate
  readonly clock: Clock
}

/** A node that wants in. */
export interface JoinWish {
  /** The PeerId that it has proved. */
  readonly peer: string
  readonly token: string
  readonly name: string
  readonly temporary: boolean
}

/** Who comes into the cluster, and who goes. */
export class Membership {
  readonly #components: MembershipComponents
  /** How long the last credential of a node that is sent away may still be good, and some more for clocks that differ. */
  readonly #graceMs: number

  constructor(components: MembershipComponents, init: { readonly graceMs: number }) {
    this.#components = components
    this.#graceMs = init.graceMs
  }

  members(): ReadonlyMap<string, Member> {
    return this.#components.members.all()
  }

  /** Whether a peer may use the cluster now. */
  admits(peer: string): boolean {
    const { members, blocklist } = this.#components
    return members.has(peer) && !blocklist.blocksPeer(peer)
  }

  /** @throws DamselflyError TOKEN_INVALID, DENIED for a peer that is blocked, TOOMANYREQUESTS, STORE_FAILED */
  async join({ peer, token, name, temporary }: JoinWish): Promise<Credential> {
    const { members, expulsions, tokens } = this.#components
    this.#checkNotBlocked(peer)
    const id = await tokens.spend(token)
    const credential = await members.admit({ peer, name, token: id, temporary })
    await expulsions.lift(peer)
    return credential
  }

  /** @throws DamselflyError NOT_A_MEMBER, DENIED for a peer that is blocked, STORE_FAILED */
  renew(peer: string): Promise<Credential> {
    this.#checkNotBlocked(peer)
    return this.#components.members.renew(peer)
  }

  /** @throws DamselflyError PEER_UNKNOWN, STORE_FAILED */
  async revoke(peer: string): Promise<void> {
    const { members, expulsions, clock } = this.#components
    if (!(await members.remove(peer))) {
      throw new DamselflyError('PEER_UNKNOWN', 'it is no member; "supernode node list" shows who is')
    }
    await expulsions.add({ id: peer, until: clock.wallTime() + this.#graceMs })
  }

  #checkNotBlocked(peer: string): void {
    if (!this.#components.blocklist.blocksPeer(peer)) return
    throw new DamselflyError('DENIED', `${peer} is blocked; "supernode block list" says why`)
  }
}
