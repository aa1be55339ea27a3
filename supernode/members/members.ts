import type { Clock } from '../../lib/clock.ts'
import { createStartable, type Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import type { RecordStore } from '../../lib/record-store.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { signMembership } from '../../protocol/membership.ts'
import type { ClusterKey } from '../../protocol/signed-statement.ts'
import { type Member, membersToForget } from './member.ts'

/** A credential that a member has been given. */
export interface Credential {
  /** The signed statement, base64url. */
  readonly credential: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** How a node asks to be a member. */
export interface Candidate {
  /** The PeerId that it has proved. */
  readonly peer: string
  readonly name: string
  /** Id of the token that lets it in. */
  readonly token: string
  readonly temporary: boolean
}

export interface MembersComponents {
  readonly records: RecordStore<string, Member>
  readonly clusterKey: ClusterKey
  readonly clock: Clock
  readonly logger: Logger
}

export interface MembersInit {
  /** How long a credential lasts. */
  readonly lifetimeMs: number
  /** A member that has not renewed its credential for so long is forgotten. */
  readonly forgetMs: number
}

/** More are refused: somebody has lost a token of many uses. */
const MAX_MEMBERS = 100_000
const TIDY_MS = 10 * 60_000

/** Who belongs to the cluster. A member proves by its key who it is; its credential is what it shows to other peers. */
export class Members implements Startable {
  readonly #components: MembersComponents
  readonly #init: MembersInit
  readonly #lifecycle = createStartable(
    () => this.#begin(),
    () => this.#end(),
  )
  #cancelTidy = () => {}

  constructor(components: MembersComponents, init: MembersInit) {
    this.#components = components
    this.#init = init
  }

  /** @throws DamselflyError CONFIG_INVALID, STORE_FAILED */
  start(): Promise<void> {
    return this.#lifecycle.start()
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  has(peer: string): boolean {
    return this.#components.records.get(peer) !== undefined
  }

  all(): ReadonlyMap<string, Member> {
    return this.#components.records.all()
  }

  /** Makes a node a member, or an old one a member by a new token. @throws DamselflyError TOOMANYREQUESTS, STORE_FAILED */
  async admit({ peer, name, token, temporary }: Candidate): Promise<Credential> {
    const { records, clock, logger } = this.#components
    if (!this.has(peer) && records.all().size >= MAX_MEMBERS) {
      throw new DamselflyError('TOOMANYREQUESTS', `there are ${MAX_MEMBERS} members; revoke those that are gone`)
    }
    const now = clock.wallTime()
    const credential = this.#credentialOf(peer, now)
    await records.put(peer, { name, token, temporary, joinedAt: now, renewedAt: now })
    logger.info({ peer, tokenId: token }, 'a node has joined')
    return credential
  }

  /** A new credential for a member. @throws DamselflyError NOT_A_MEMBER, STORE_FAILED */
  async renew(peer: string): Promise<Credential> {
    const { records, clock } = this.#components
    const member = records.get(peer)
    if (member === undefined) throw new DamselflyError('NOT_A_MEMBER', 'join with a token')
    const now = clock.wallTime()
    const credential = this.#credentialOf(peer, now)
    await records.put(peer, { ...member, renewedAt: now })
    return credential
  }

  /** No new credential for a peer. @returns false for one that is no member. @throws DamselflyError STORE_FAILED */
  remove(peer: string): Promise<boolean> {
    return this.#components.records.delete(peer)
  }

  #credentialOf(peer: string, now: number): Credential {
    const expiresAt = now + this.#init.lifetimeMs
    const statement = signMembership({ peer, issuedAt: now, expiresAt }, this.#components.clusterKey)
    return { credential: Buffer.from(statement).toString('base64url'), expiresAt }
  }

  async #begin(): Promise<void> {
    await this.#components.records.start()
    this.#cancelTidy = this.#components.clock.every(TIDY_MS, () => void this.#tidy())
    await this.#tidy()
  }

  async #end(): Promise<void> {
    this.#cancelTidy()
    await this.#components.records.stop()
  }

  async #tidy(): Promise<void> {
    const { clock, logger } = this.#components
    try {
      for (const peer of membersToForget(this.all(), clock.wallTime(), this.#init)) await this.remove(peer)
    } catch (error) {
      logger.warn({ error }, 'members that are long gone could not be forgotten')
    }
  }
}
