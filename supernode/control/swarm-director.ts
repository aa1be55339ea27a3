import type { TaskShape } from '../../lib/blocks/block-store.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { Bitfield } from '../../protocol/bitfield.ts'
import type { DamselflyError, ErrorCode } from '../../protocol/errors.ts'
import type { PeerToSupernode, SupernodeToPeer } from '../../protocol/messages/control.ts'
import type { Expulsion, Labels } from '../../protocol/messages/fields.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { TicketVerifier } from '../../protocol/ticket.ts'
import { apply } from '../scheduler/apply.ts'
import type { SchedulerEffect } from '../scheduler/effect.ts'
import type { SchedulerEvent } from '../scheduler/event.ts'
import type { SchedulerState } from '../scheduler/state.ts'
import type { SeedTask } from '../seed/seed-task.ts'
import type { SeedListener } from '../seed/seeder.ts'
import { type MapCursor, mapNews } from './map-feed.ts'
import { expelledMessages, forbiddenMessages } from './news-for-all.ts'
import type { FetchListener, PeerIntroduction, ReplicaListener } from './peer-listeners.ts'

/** A block map that grows is told in batches of this age, so that fast origins do not cost a message per block and peer. */
const MAP_BATCH_MS = 5
const TICK_MS = 100

/** Who is expelled from the cluster, and until when. */
export interface ExpulsionList {
  current(): readonly Expulsion[]
}

/** How much of a task a linked peer has. */
export interface MemberView {
  readonly id: string
  readonly labels: Labels
  readonly have: Bitfield
}

/** A peer with an open control stream. */
interface ConnectedPeer extends PeerIntroduction {
  /** Milliseconds since 1970. */
  readonly linkedAt: number
  readonly send: (message: SupernodeToPeer) => void
  /** The tasks it wants, and how much of their maps it was told. */
  readonly maps: Map<TaskId, MapCursor>
}

export interface SwarmDirectorComponents {
  /** Looks up a task, also one that is stored from an earlier time. */
  readonly findTask: (taskId: TaskId) => Promise<SeedTask | undefined>
  /** Looks at a task without opening it. */
  readonly shapeOf: (taskId: TaskId) => Promise<TaskShape | undefined>
  readonly ticketVerifier: TicketVerifier
  readonly clock: Clock
  readonly logger: Logger
  readonly account: SwarmAccount
  readonly replicas: ReplicaListener
  readonly fetches: FetchListener
  readonly expulsions: ExpulsionList
  /** Ends connections to peers, and refuses new ones (`P2pNode.expel`). */
  readonly refuse: (peers: readonly Expulsion[]) => void
  /** Content that is blocked now. */
  readonly forbidden: () => readonly TaskId[]
  /** Hears that a peer which somebody waits at will ask for blocks. */
  readonly uploads: { expect(): void }
  /** Hears of all that the scheduler is told. */
  readonly record: (event: SchedulerEvent) => void
}

/** Where a director counts what it does. */
export interface SwarmAccount {
  report(kind: string): void
  granted(blocks: number): void
  invalidMessage(code: string): void
  message(direction: 'received' | 'sent'): void
  /** Time that the scheduler took for one event. */
  scheduled(elapsedMs: number): void
}

/** What the swarms look like from outside, for the API. */
export interface PeerView {
  readonly id: string
  readonly addresses: readonly string[]
  readonly labels: Labels
  /** Its program, `damselfly/0.1.0`. */
  readonly agent: string
  /** When it opened its control stream, in milliseconds since 1970. */
  readonly linkedAt: number
  readonly tasks: readonly TaskId[]
}

/** Feeds the pure scheduler with what peers and seeds do, and carries its decisions to the peers. */
export class SwarmDirector implements SeedListener {
  readonly #components: SwarmDirectorComponents
  readonly #peers = new Map<string, ConnectedPeer>()
  readonly #grown = new Map<TaskId, SeedTask>()
  #state: SchedulerState
  #cancelTick = () => {}
  #cancelBatch: (() => void) | undefined

  constructor(components: SwarmDirectorComponents, initialState: SchedulerState) {
    this.#components = components
    this.#state = initialState
  }

  async start(): Promise<void> {
    this.#cancelTick()
    this.#components.refuse(this.#components.expulsions.current())
    this.#cancelTick = this.#components.clock.every(TICK_MS, () => this.#dispatch({ type: 'tick', now: this.#now() }))
  }

  async stop(): Promise<void> {
    this.#cancelTick()
    this.#cancelBatch?.()
    this.#cancelBatch = undefined
  }

  peers(): PeerView[] {
    return [...this.#peers.values()].map(peer => ({
      ...peer.address,
      labels: peer.labels,
      agent: peer.agent,
      linkedAt: peer.linkedAt,
      tasks: [...peer.maps.keys()],
    }))
  }

  /** The linked peers in the swarm of a task. */
  membersOf(taskId: TaskId): MemberView[] {
    const members = this.#state.tasks.get(taskId)?.members.values() ?? []
    return [...members].map(({ peer: { id }, have }) => ({ id, labels: this.#peers.get(id)?.labels ?? {}, have }))
  }

  /** Whether a peer in the swarm of a task has said that nobody there waits for it. */
  isBackground(taskId: TaskId, peer: string): boolean {
    return this.#state.tasks.get(taskId)?.members.get(peer)?.background === true
  }

  /** Whether peers want a task, and nobody waits for it at any of them. O(peers). */
  isForBackground(taskId: TaskId): boolean {
    const members = [...(this.#state.tasks.get(taskId)?.members.values() ?? [])].filter(({ wants }) => wants)
    return members.length > 0 && members.every(({ background }) => background)
  }

  /** Tells a peer, if it is linked and knows such messages. */
  send(peer: string, message: SupernodeToPeer): void {
    const to = this.#peers.get(peer)
    const isKnown = (message.type !== 'fetch' && message.type !== 'stop-fetch') || to?.fetches === true
    if (isKnown) to?.send(message)
  }

  /**
   * A peer has opened its control stream. A second stream of the same peer replaces the first.
   * @returns to be called when the stream has ended
   */
  connected(introduction: PeerIntroduction, send: (message: SupernodeToPeer) => void): () => void {
    const { account, clock } = this.#components
    const { address, labels } = introduction
    // Its hello, which has opened the stream.
    account.message('received')
    const counted = (message: SupernodeToPeer) => {
      account.message('sent')
      send(message)
    }
    const peer: ConnectedPeer = { ...introduction, linkedAt: clock.wallTime(), send: counted, maps: new Map() }
    this.#gone(address.id)
    this.#peers.set(address.id, peer)
    for (const message of expelledMessages(this.#components.expulsions.current())) peer.send(message)
    this.#dispatch({ type: 'peer-connected', peer: address.id, labels })
    for (const message of forbiddenMessages('forbid', this.#components.forbidden())) peer.send(message)
    if (peer.keeps) this.#components.replicas.linked(address.id, labels.zone ?? '')
    if (peer.fetches) this.#components.fetches.linked(peer)
    return () => {
      if (this.#peers.get(address.id) === peer) this.#gone(address.id)
    }
  }

  /**
   * Puts peers out of the swarms: their links and connections end, and all others are told to end theirs. The list that those
   * hear who link later is that of `expulsions`. A moment that has passed lifts an expulsion.
   */
  expel(peers: readonly Expulsion[]): void {
    const { clock, refuse } = this.#components
    for (const { id, until } of peers) if (until > clock.wallTime()) this.#gone(id)
    refuse(peers)
    for (const message of expelledMessages(peers)) for (const peer of this.#peers.values()) peer.send(message)
  }

  /** Takes a message of a connected peer. */
  async receive(peer: string, message: Exclude<PeerToSupernode, { type: 'hello' }>): Promise<void> {
    const from = this.#peers.get(peer)
    if (from === undefined) return
    this.#components.account.message('received')
    if (message.type === 'ping') return from.send({ type: 'pong' })
    const { task } = message
    const now = this.#now()
    switch (message.type) {
      case 'join':
        if (this.#holdsTicket(peer, task, message.ticket)) return this.#join(peer, message)
        return from.send({ type: 'failed', task, code: 'TICKET_INVALID' })
      case 'offer':
        return this.#offer(peer, message)
      case 'leave':
        from.maps.delete(task)
        return this.#dispatch({ type: 'leave', peer, task })
      case 'kept':
        return this.#components.replicas.kept(peer, task)
      case 'refused':
        return this.#components.replicas.refused(peer, task, message.code)
      case 'fetched':
        return from.fetches ? this.#components.fetches.fetched(peer, task) : undefined
      case 'not-fetched':
        return from.fetches ? this.#components.fetches.notFetched(peer, task, message.code) : undefined
      case 'have':
        return this.#dispatch({ type: 'have', peer, task, blocks: message.blocks, now })
      case 'lost':
        return this.#dispatch({ type: 'lost', peer, task, blocks: message.blocks })
      case 'blocked':
        return this.#dispatch({ type: 'blocked', peer, task, blocks: message.blocks, now })
      case 'hungry':
        return this.#dispatch({ type: 'hungry', peer, task, blocks: message.blocks, now })
      case 'report':
        this.#components.account.report(message.kind)
        this.#components.logger.info({ from: peer, about: message.about, kind: message.kind }, 'peer reported')
        return this.#dispatch({ type: 'report', from: peer, task, about: message.about, kind: message.kind, now })
    }
  }

  grown(task: SeedTask): void {
    this.#grown.set(task.taskId, task)
    this.#cancelBatch ??= this.#components.clock.after(MAP_BATCH_MS, () => this.#tellGrown())
  }

  complete(task: SeedTask): void {
    this.grown(task)
  }

  /** Has every linked peer delete content, and give it to nobody, or no longer so. */
  forbid(type: 'forbid' | 'allow', tasks: readonly TaskId[]): void {
    for (const message of forbiddenMessages(type, tasks)) for (const peer of this.#peers.values()) peer.send(message)
  }

  failed(task: SeedTask, error: DamselflyError): void {
    this.#cancelBatch?.()
    this.#tellGrown()
    this.#tellMembers(task.taskId, { type: 'failed', task: task.taskId, code: error.code })
  }

  dropped(taskId: TaskId, code: ErrorCode): void {
    this.#grown.delete(taskId)
    this.#tellMembers(taskId, { type: 'failed', task: taskId, code })
    // Whoever joins again is told the new map from its beginning.
    for (const peer of this.#peers.values()) peer.maps.delete(taskId)
    this.#dispatch({ type: 'task-dropped', task: taskId })
  }

  #gone(peer: string): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    this.#peers.delete(peer)
    this.#dispatch({ type: 'peer-gone', peer })
    this.#components.replicas.gone(peer)
    if (known.fetches) this.#components.fetches.gone(peer)
  }

  #holdsTicket(peer: string, task: TaskId, ticket: string): boolean {
    const { ticketVerifier, clock, logger, account } = this.#components
    try {
      ticketVerifier.verify(ticket, { task, peer }, clock.wallTime())
      return true
    } catch (error) {
      account.invalidMessage('TICKET_INVALID')
      logger.debug({ peer, task, error }, 'join refused')
      return false
    }
  }

  async #join(peer: string, message: Extract<PeerToSupernode, { type: 'join' }>): Promise<void> {
    const { task: taskId, have, priority } = message
    const task = await this.#components.findTask(taskId)
    const from = this.#peers.get(peer)
    if (from === undefined) return
    if (task === undefined) return from.send({ type: 'failed', task: taskId, code: 'TASK_UNKNOWN' })
    if (priority !== 'background') this.#components.uploads.expect()
    this.#announce(task)
    from.maps.set(taskId, { blocks: 0, sizeTold: false })
    this.#tellMap(from, task)
    // The read may have failed between this peer's registration and its join, and the task been dropped with what it brought.
    if (task.state === 'failed' || task.state === 'idle')
      from.send({ type: 'failed', task: taskId, code: 'ORIGIN_FAILED' })
    const held = Bitfield.fromBytes(have)
    this.#dispatch({ type: 'join', peer, task: taskId, have: held, wants: true, priority, now: this.#now() })
  }

  /**
   * Peers offer all that they hold whenever they link, and after an outage all of them do at once: what is offered is not opened
   * for it, since nothing that is open can be deleted to make room. How much of it is here is said when somebody wants it.
   */
  async #offer(peer: string, { task, have }: Extract<PeerToSupernode, { type: 'offer' }>): Promise<void> {
    const shape = await this.#components.shapeOf(task)
    if (shape === undefined || !this.#peers.has(peer)) return
    this.#dispatch({ type: 'task-added', task, blockSizeBytes: shape.blockSizeBytes })
    const held = Bitfield.fromBytes(have)
    this.#dispatch({ type: 'join', peer, task, have: held, wants: false, now: this.#now() })
  }

  #tellGrown(): void {
    this.#cancelBatch = undefined
    const grown = [...this.#grown.values()]
    this.#grown.clear()
    for (const task of grown) {
      for (const peer of this.#peers.values()) this.#tellMap(peer, task)
      this.#announce(task)
    }
  }

  // A peer must know a block's digest before it is granted the block, so maps are told first.
  #tellMap(peer: ConnectedPeer, task: SeedTask): void {
    const cursor = peer.maps.get(task.taskId)
    if (cursor === undefined) return
    for (const message of mapNews(task, cursor)) peer.send(message)
  }

  #announce(task: SeedTask): void {
    const { taskId, map, readyBlocks } = task
    this.#dispatch({ type: 'task-added', task: taskId, blockSizeBytes: map.blockSizeBytes })
    this.#dispatch({ type: 'blocks-ready', task: taskId, upTo: readyBlocks, now: this.#now() })
  }

  #tellMembers(taskId: TaskId, message: SupernodeToPeer): void {
    for (const peer of this.#peers.values()) if (peer.maps.has(taskId)) peer.send(message)
  }

  #now(): number {
    return this.#components.clock.now()
  }

  #dispatch(event: SchedulerEvent): void {
    this.#components.record(event)
    const startedAt = this.#now()
    const { state, effects } = apply(this.#state, event)
    this.#components.account.scheduled(this.#now() - startedAt)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: SchedulerEffect): void {
    const peer = this.#peers.get(effect.peer)
    if (peer === undefined) return
    const { task } = effect
    if (effect.type === 'grant') {
      this.#components.account.granted(effect.blocks.length)
      peer.send({ type: 'grant', task, blocks: [...effect.blocks] })
    } else if (effect.type === 'connect') {
      const peers = effect.to.flatMap(id => this.#peers.get(id)?.address ?? [])
      if (peers.length > 0) peer.send({ type: 'connect', task, peers })
    } else {
      peer.send({ type: 'disconnect', task, peers: [...effect.from] })
    }
  }
}
