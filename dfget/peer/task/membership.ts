import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/logger.ts'
import type { Origin, Source } from '../../../lib/origin/origin.ts'
import type { Bitfield } from '../../../protocol/bitfield.ts'
import type { RegistrationAnswer } from '../../../protocol/messages/registration.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { InventoryLinks } from '../swarm/inventory-links.ts'
import type { SupernodeLink } from '../swarm/supernode-link.ts'
import { News } from './news.ts'

export interface MembershipComponents {
  readonly supernode: Pick<SupernodeLink, 'register' | 'send'>
  readonly links: Pick<InventoryLinks, 'leave' | 'tell'>
  readonly resume: { readonly origin: Pick<Origin, 'locate'> }
  readonly clock: Clock
  readonly logger: Logger
}

export interface MembershipInit {
  readonly source: Source
  /** Nobody waits for it yet. */
  readonly background: boolean
  /** Whether small content may come with the answer to the registration. */
  readonly inline: boolean
}

/** A ticket is renewed this long before its end; a short one after half of its life. */
const RENEW_BEFORE_MS = 60_000
const RENEW_RETRY_MS = 5_000

/** A download's place in a swarm: its ticket, and what it says to the supernode and to all its neighbours. */
export class Membership {
  readonly #components: MembershipComponents
  #source: Source
  readonly #stopped = new AbortController()
  #registration: RegistrationAnswer | undefined
  #joined: { readonly task: TaskId; readonly have: Bitfield } | undefined
  #renewing = false
  #renewAt = Number.POSITIVE_INFINITY
  /** The supernode may have forgotten that this peer is in the swarm. */
  #mustJoin = false
  #background: boolean
  readonly #inline: boolean
  #news: News | undefined
  /** What the supernode granted and has not heard of. */
  readonly #granted = new Set<number>()

  constructor(components: MembershipComponents, { source, background, inline }: MembershipInit) {
    this.#components = components
    this.#source = source
    this.#background = background
    this.#inline = inline
  }

  /** The ticket to show to neighbours, while there is one. */
  get ticket(): string | undefined {
    return this.#registration?.ticket
  }

  /** Asks the supernode for a ticket. @throws whatever `SupernodeLink.register` throws */
  async register(): Promise<RegistrationAnswer> {
    const { supernode, clock, resume } = this.#components
    const located = (await resume.origin.locate?.(this.#source)) ?? this.#source
    const registration = await supernode.register(
      { source: located, inline: this.#inline },
      { signal: this.#stopped.signal },
    )
    const leftMs = registration.ticketExpiresAt - clock.wallTime()
    this.#registration = registration
    this.#renewAt = clock.now() + Math.max(leftMs - RENEW_BEFORE_MS, leftMs / 2)
    return registration
  }

  /** Enters the swarm. @param have what is stored, read again whenever the swarm has to be entered anew */
  join(task: TaskId, have: Bitfield): void {
    this.leave(task)
    this.#joined = { task, have }
    this.#sayJoin()
  }

  /** Forgets and is forgotten; whoever has all of the content stays, to serve it. */
  leave(task: TaskId): void {
    this.#joined = undefined
    this.#components.links.leave(task)
    this.#components.supernode.send({ type: 'leave', task })
  }

  /** The control stream is open again: registers anew, since the supernode may have forgotten everything. */
  linked(): void {
    if (this.#joined === undefined) return
    this.#mustJoin = true
    void this.#renew()
  }

  /** Registers with another source of the same content from now on. */
  adopt(source: Source): void {
    this.#source = source
  }

  /** Somebody waits for it now: tells the supernode. */
  promote(): void {
    this.#background = false
    this.#sayJoin()
  }

  /** The supernode wants to hear of these blocks as soon as they are here. */
  granted(blocks: readonly number[]): void {
    for (const block of blocks) this.#granted.add(block)
  }

  /** Tells everybody that a block is here, soon. */
  stored(task: TaskId, block: number): void {
    this.#news ??= new News(this.#components, task)
    this.#news.stored(block, { awaited: this.#granted.delete(block) })
  }

  /** Tells everybody at once what has come since the last time. */
  tellNews(): void {
    this.#news?.tellNow()
  }

  /** Tells everybody that blocks are here no longer. */
  lost(task: TaskId, blocks: number[]): void {
    this.tellNews()
    this.#components.links.tell(task, 'lost', blocks)
    this.#components.supernode.send({ type: 'lost', task, blocks })
  }

  /** Asks the supernode for help with blocks that no neighbour gives, and whether it is alive. */
  blocked(task: TaskId, blocks: readonly number[]): void {
    this.#components.supernode.send({ type: 'blocked', task, blocks: [...blocks] })
    this.#components.supernode.send({ type: 'ping' })
  }

  /** Tells the supernode that more could be on its way, these blocks for example. */
  hungry(task: TaskId, blocks: readonly number[]): void {
    this.#components.supernode.send({ type: 'hungry', task, blocks: [...blocks] })
  }

  report(task: TaskId, about: string, kind: 'corrupt' | 'stalled' | 'unreachable'): void {
    this.#components.supernode.send({ type: 'report', task, about, kind })
  }

  /** To be called now and then: renews the ticket when that is due. */
  tick(): void {
    if (this.#components.clock.now() >= this.#renewAt) void this.#renew()
  }

  stop(): void {
    this.#stopped.abort(new Error('the session was stopped'))
    this.#news?.stop()
  }

  async #renew(): Promise<void> {
    if (this.#renewing) return
    this.#renewing = true
    this.#renewAt = this.#components.clock.now() + RENEW_RETRY_MS
    try {
      const { taskId } = await this.register()
      if (this.#mustJoin && this.#joined?.task === taskId) this.#sayJoin()
    } catch (error) {
      this.#components.logger.debug({ error }, 'not registered again')
    } finally {
      this.#renewing = false
    }
  }

  #sayJoin(): void {
    if (this.#joined === undefined || this.ticket === undefined) return
    this.#mustJoin = false
    const { task, have } = this.#joined
    const priority = this.#background ? ({ priority: 'background' } as const) : {}
    this.#components.supernode.send({ type: 'join', task, ticket: this.ticket, have: have.toBytes(), ...priority })
  }
}
