import { LRUCache } from 'lru-cache'
import type { BlockStore, TaskBlocks } from '../../lib/blocks/block-store.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Hasher } from '../../lib/hashing/hasher.ts'
import type { Logger } from '../../lib/logger.ts'
import { contentKeyOf, hasOrigin, type Source } from '../../lib/origin/origin.ts'
import { OriginError } from '../../lib/origin/origin-error.ts'
import type { ResumeComponents } from '../../lib/origin/read-resumable.ts'
import { withSignal } from '../../lib/with-signal.ts'
import type { Bitfield } from '../../protocol/bitfield.ts'
import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError, toDamselflyError } from '../../protocol/errors.ts'
import type { TaskMessage } from '../../protocol/messages/control.ts'
import { type TaskId, taskIdOfDigest } from '../../protocol/task.ts'
import type { ForbiddenTasks } from './forbidden-tasks.ts'
import type { Holdings } from './holdings.ts'
import type { OpenOptions, PeerTask } from './peer.ts'
import type { NeighbourListener, OwnInventory } from './swarm/inventory-links.ts'
import { type Account, emptyAccount } from './task/account.ts'
import { Assembly } from './task/assembly.ts'
import { isCorrupt } from './task/is-corrupt.ts'
import type { RequestPump } from './task/request-pump.ts'
import { SmallContent } from './task/small-content.ts'
import { assembledContent, heldContent, passedThroughContent, type TaskContent } from './task/task-content.ts'
import type { TaskSession, TaskSessionInit } from './task/task-session.ts'

export interface TasksComponents {
  readonly store: BlockStore
  readonly holdings: Holdings
  readonly forbidden: Pick<ForbiddenTasks, 'check'>
  readonly hasher: Hasher
  readonly resume: ResumeComponents
  readonly createSession: (init: TaskSessionInit) => TaskSession
  readonly pump: RequestPump
  readonly offer: (task: TaskId, have: Bitfield) => void
  /** Leaves the swarm of a task. */
  readonly withdraw: (task: TaskId) => void
  readonly clock: Clock
  readonly logger: Logger
}

const TICK_MS = 100

/** Accounts of ended downloads that are remembered. */
const MAX_ACCOUNTS = 10_000

/** The tasks of a peer: one session for each download under way, however many ask for it. */
export class Tasks implements NeighbourListener {
  readonly #components: TasksComponents
  /** By what identifies a content before its task is known: digest or URL. */
  readonly #sessions = new Map<string, TaskSession>()
  /** Sessions whose download is over, and that may still be read from. */
  readonly #ended = new Set<TaskSession>()
  readonly #accounts = new LRUCache<TaskId, Account>({ max: MAX_ACCOUNTS })
  #cancelTick = () => {}

  constructor(components: TasksComponents) {
    this.#components = components
  }

  get running(): number {
    return this.#sessions.size
  }

  async start(): Promise<void> {
    this.#cancelTick()
    this.#cancelTick = this.#components.clock.every(TICK_MS, () => this.#tick())
  }

  async stop(): Promise<void> {
    this.#cancelTick()
    for (const session of this.#sessions.values()) session.stop()
    this.#sessions.clear()
    this.#ended.clear()
  }

  async open(
    source: Source,
    { signal, mayRead, background = false, oneOff = false, resumes = false, pastSwarm = false }: OpenOptions,
  ): Promise<TaskContent> {
    this.#components.forbidden.check(source)
    const stored = await this.#openComplete(source)
    if (stored !== undefined) {
      await mayRead?.()
      return stored
    }
    // Between this look and the session there must be no wait but for the check, or a caller could slip in unchecked.
    if (this.#sessions.has(contentKeyOf(source))) await mayRead?.()
    const session = this.#session({ source, background, oneOff, pastSwarm })
    if (!background) {
      session.promote(source)
      this.makeWay()
    }
    const since = session.assembly?.arrivals.mark ?? 0
    try {
      const opened = await withSignal(session.ready, signal)
      if (opened instanceof SmallContent) return heldContent(opened)
      const { contentType, readers, validator } = session
      const soleOrigin = resumes && session.source === source && session.swarm === undefined
      const components = { ...this.#contentComponents({ ...source, validator }, contentType), soleOrigin }
      return assembledContent(components, { assembly: opened, readers, since })
    } catch (error) {
      signal.throwIfAborted()
      // Another caller's credentials may have been refused where these are not.
      const own = session.source === source
      const isBlocked = toDamselflyError(error).code === 'TASK_BLOCKED'
      if ((error instanceof OriginError && own) || isBlocked || !hasOrigin(source)) throw error
      this.#components.logger.debug({ error }, 'download failed to start, passing the origin through')
      return passedThroughContent(this.#contentComponents(source, undefined), {
        sizeBytes: session.assembly?.sizeBytes,
        reason: { why: 'download-failed', code: toDamselflyError(error).code },
      })
    }
  }

  /** Somebody is about to open content and to wait for it. */
  makeWay(): void {
    this.#components.pump.makeWay()
  }

  /** Ends a download that nobody waits for. @param source whose content it is of */
  abandon(source: Source): void {
    const key = contentKeyOf(source)
    const session = this.#sessions.get(key)
    if (session?.unwanted === true) this.#end(key, session)
  }

  async openDirect(source: Source, { signal }: { signal: AbortSignal }): Promise<TaskContent> {
    const { sizeBytes } = await this.#components.resume.origin.check(source, { signal })
    return passedThroughContent(this.#contentComponents(source, undefined), { sizeBytes, reason: { why: 'p2p-off' } })
  }

  async storedSize(digest: Digest): Promise<number | undefined> {
    const blocks = await this.#holding(taskIdOfDigest(digest))
    return blocks?.complete === true ? blocks.sizeBytes : undefined
  }

  async list(): Promise<PeerTask[]> {
    const stored = await this.#components.store.list()
    return stored.map(task => ({
      id: task.taskId,
      state: task.complete ? 'complete' : this.#byTask(task.taskId) === undefined ? 'partial' : 'downloading',
      sizeBytes: task.sizeBytes ?? null,
      storedBytes: task.storedBytes,
      account: this.#byTask(task.taskId)?.assembly?.account ?? this.#accounts.get(task.taskId) ?? emptyAccount(),
    }))
  }

  /** What to tell a neighbour about a task. */
  async ownInventory(task: TaskId): Promise<OwnInventory | undefined> {
    const session = this.#byTask(task)
    if (session?.assembly !== undefined) return { have: session.assembly.present, ticket: session.ticket }
    const blocks = await this.#components.holdings.get(task)
    return blocks === undefined ? undefined : { have: blocks.present, ticket: undefined }
  }

  /** A stored task was deleted. */
  removed(task: TaskId): void {
    this.#accounts.delete(task)
    if (this.#byTask(task) === undefined) this.#components.withdraw(task)
  }

  neighbourJoined(task: TaskId, peer: string, have: Bitfield): void {
    this.#byTask(task)?.swarm?.neighbourJoined(peer, have)
  }

  neighbourHas(task: TaskId, peer: string, blocks: readonly number[]): void {
    this.#byTask(task)?.swarm?.neighbourHas(peer, blocks)
  }

  neighbourLost(task: TaskId, peer: string, blocks: readonly number[]): void {
    this.#byTask(task)?.swarm?.neighbourLost(peer, blocks)
  }

  neighbourLacks(task: TaskId, peer: string, blocks: readonly number[]): number[] {
    return this.#byTask(task)?.swarm?.neighbourLacks(peer, blocks) ?? [...blocks]
  }

  neighbourLeft(task: TaskId, peer: string): void {
    this.#byTask(task)?.swarm?.neighbourLeft(peer)
  }

  neighbourGone(task: TaskId, peer: string): void {
    this.#byTask(task)?.swarm?.neighbourGone(peer)
  }

  /** A task was blocked while it was being downloaded. */
  forbidden(task: TaskId): void {
    this.#byTask(task)?.assembly?.fail(new DamselflyError('TASK_BLOCKED'))
  }

  message(message: TaskMessage): void {
    this.#byTask(message.task)
      ?.receive(message)
      .catch(error => this.#byTask(message.task)?.assembly?.fail(error as Error))
  }

  linked(): void {
    for (const session of this.#sessions.values()) session.linked()
    this.#offerStored().catch(error => this.#components.logger.warn({ error }, 'could not offer what is stored'))
  }

  unlinked(): void {
    for (const session of this.#sessions.values()) session.unlinked()
  }

  async #openComplete(source: Source): Promise<TaskContent | undefined> {
    if (source.digest === undefined || this.#sessions.has(contentKeyOf(source))) return undefined
    const blocks = await this.#holding(taskIdOfDigest(source.digest))
    if (blocks?.complete !== true) return undefined
    const assembly = new Assembly(blocks, { stored() {}, lost() {} }, this.#components.hasher)
    const readers = this.#components.holdings.readersOf(assembly.taskId)
    return assembledContent(this.#contentComponents(source, undefined), { assembly, readers, since: 0 })
  }

  /** What is stored of a task. What cannot be opened counts as not stored: it can still be had from elsewhere. */
  async #holding(task: TaskId): Promise<TaskBlocks | undefined> {
    try {
      return await this.#components.holdings.get(task)
    } catch (error) {
      this.#components.logger.warn({ taskId: task, error: (error as Error).message }, 'a stored task cannot be opened')
      return undefined
    }
  }

  #session(init: TaskSessionInit): TaskSession {
    const key = contentKeyOf(init.source)
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const session = this.#components.createSession(init)
    this.#sessions.set(key, session)
    session.ready.then(
      assembly => {
        if (assembly instanceof SmallContent) return this.#end(key, session)
        this.#accounts.set(assembly.taskId, assembly.account)
        assembly.done.then(
          () => this.#end(key, session),
          error => {
            if (isCorrupt(error)) this.#components.logger.warn({ error }, 'what came was wrong, and was thrown away')
            this.#end(key, session)
          },
        )
      },
      () => this.#end(key, session),
    )
    return session
  }

  #end(key: string, session: TaskSession): void {
    if (this.#sessions.get(key) === session) this.#sessions.delete(key)
    session.stop()
    this.#ended.add(session)
  }

  #byTask(task: TaskId): TaskSession | undefined {
    const direct = this.#sessions.get(task)
    if (direct !== undefined) return direct
    for (const session of this.#sessions.values()) if (session.assembly?.taskId === task) return session
    return undefined
  }

  #tick(): void {
    for (const [key, session] of this.#sessions) {
      session.tick()
      if (session.idle) this.#end(key, session)
    }
    for (const session of this.#ended) if (session.closeWhenUnread()) this.#ended.delete(session)
    this.#components.pump.tick()
    this.#components.holdings.tick()
  }

  async #offerStored(): Promise<void> {
    const { store, holdings, offer } = this.#components
    for (const { taskId } of await store.list()) {
      if (this.#byTask(taskId) !== undefined) continue
      const blocks = await holdings.get(taskId)
      if (blocks !== undefined) offer(taskId, blocks.present)
    }
  }

  #contentComponents(source: Source, contentType: string | undefined) {
    const { resume, clock, logger } = this.#components
    return { source, resume, clock, logger, contentType }
  }
}
