import { randomInt } from 'node:crypto'
import type { BlockBuffers } from '../../../lib/blocks/block-buffers.ts'
import type { BlockStore, TaskBlocks } from '../../../lib/blocks/block-store.ts'
import { openAsStored } from '../../../lib/blocks/open-as-stored.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Hasher } from '../../../lib/hashing/hasher.ts'
import type { Logger } from '../../../lib/logger.ts'
import { hasOrigin, type Source, taskIdOfSource } from '../../../lib/origin/origin.ts'
import type { ResumableRead, ResumeComponents } from '../../../lib/origin/read-resumable.ts'
import { blockSizeFor } from '../../../protocol/block-size.ts'
import { DamselflyError, type ErrorCode, toDamselflyError } from '../../../protocol/errors.ts'
import type { TaskMessage } from '../../../protocol/messages/control.ts'
import type { OriginReason } from '../../../protocol/messages/daemon-api.ts'
import type { PeerAddress } from '../../../protocol/messages/fields.ts'
import type { RegistrationAnswer } from '../../../protocol/messages/registration.ts'
import { isSwarmUrl } from '../../../protocol/swarm-url.ts'
import { type TaskId, taskIdOfDigest } from '../../../protocol/task.ts'
import type { BlockClient } from '../exchange/block-client.ts'
import type { InventoryLinks } from '../swarm/inventory-links.ts'
import type { SupernodeLink } from '../swarm/supernode-link.ts'
import { because } from './account.ts'
import { Assembly } from './assembly.ts'
import { isOriginFailure } from './is-origin-failure.ts'
import { Membership } from './membership.ts'
import { OriginDownload } from './origin-download.ts'
import { Readers } from './readers.ts'
import type { RequestPump } from './request-pump.ts'
import { inlineContent, isSmall, readSmallContent, type SmallContent } from './small-content.ts'
import { ASK_QUIET_MS, StallWatch } from './stall-watch.ts'
import { SwarmDownload } from './swarm-download.ts'

export interface TaskSessionComponents {
  readonly supernode: Pick<SupernodeLink, 'configured' | 'silentMs' | 'register' | 'send'>
  readonly links: Pick<InventoryLinks, 'connect' | 'disconnect' | 'leave' | 'tell'>
  readonly pump: RequestPump
  readonly backgroundTasks: Set<TaskId>
  readonly store: BlockStore
  readonly buffers: BlockBuffers
  readonly hasher: Hasher
  readonly resume: ResumeComponents
  readonly clientOf: (peer: PeerAddress) => BlockClient
  readonly clock: Clock
  readonly logger: Logger
}

export interface TaskSessionInit {
  readonly source: Source
  /** Nobody waits for it yet. */
  readonly background: boolean
  /** Small content need not be stored. */
  readonly oneOff: boolean
  /** What came through the swarm was wrong. */
  readonly pastSwarm: boolean
}

/** What a session opens: content that comes together in the store, or small content that is here. */
export type Opened = Assembly | SmallContent

/** A session without readers and without progress ends after this long; what is stored stays. */
const IDLE_MS = 60_000

/** Content without an origin is given up when nothing has come for this long. */
const SWARM_PATIENCE_MS = 10_000

/** What was downloaded stays open this long for a reader that is about to begin. */
const LINGER_MS = 2_000

/** Registrations of content that has no other origin, and the pause between them. */
const PATIENT_TRIES = 6
/** What a supernode says, or does not say, that it may not say the next time. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['SUPERNODE_UNREACHABLE', 'TOOMANYREQUESTS'])
const PATIENT_PAUSE_MS = 500

const WRONG_IN_SWARM: OriginReason = { why: 'download-failed', code: 'CONTENT_CORRUPT' }

/** Content that an operator has blocked is read from nowhere. */
function isBlocked(error: unknown): boolean {
  return error instanceof DamselflyError && error.code === 'TASK_BLOCKED'
}

/** One task being downloaded: in the swarm where there is one, from the origin where there is not. */
export class TaskSession {
  /** Resolves when the shape of the content is known and its first blocks can be waited for. */
  readonly ready: Promise<Opened>
  readonly readers = new Readers()
  contentType: string | undefined
  /** What the origin says of the content, to whoever asked first: readers that go on from there must find the same. */
  validator: string | undefined
  readonly #components: TaskSessionComponents
  #source: Source
  readonly #shape = Promise.withResolvers<void>()
  readonly #stall: StallWatch
  readonly #membership: Membership
  #assembly: Assembly | undefined
  #swarm: SwarmDownload | undefined
  #origin: OriginDownload | undefined
  #blocks: TaskBlocks | undefined
  #background: boolean
  readonly #oneOff: boolean
  #readAt = 0

  constructor(components: TaskSessionComponents, { source, background, oneOff, pastSwarm }: TaskSessionInit) {
    this.#source = source
    this.#components = components
    this.#background = background
    this.#stall = new StallWatch(components.clock)
    this.#oneOff = oneOff
    this.#membership = new Membership(components, { source, background, inline: oneOff })
    this.ready = pastSwarm && hasOrigin(source) ? this.#beginAtOrigin(WRONG_IN_SWARM) : this.#begin()
    this.ready.catch(() => {})
  }

  /** Whose credentials and origin it has. */
  get source(): Source {
    return this.#source
  }

  get assembly(): Assembly | undefined {
    return this.#assembly
  }

  get swarm(): SwarmDownload | undefined {
    return this.#swarm
  }

  /** The ticket to show to neighbours, while there is one. */
  get ticket(): string | undefined {
    return this.#membership.ticket
  }

  /** Whether nobody needs this session any more. */
  get idle(): boolean {
    return this.readers.count === 0 && this.#stall.withoutProgressMs > IDLE_MS
  }

  /** Whether nobody waits for it or reads from it. */
  get unwanted(): boolean {
    return this.#background && this.readers.count === 0
  }

  /** Somebody waits for it now, if nobody did before. @param source his, which may bring an origin where there was none */
  promote(source: Source): void {
    if (this.#source.swarmOnly === true && source.swarmOnly !== true) {
      this.#source = source
      this.#membership.adopt(source)
    }
    if (!this.#background) return
    this.#background = false
    this.#swarm?.promote()
    this.#membership.promote()
  }

  /** Ends the downloads. Readers go on from the origin. */
  stop(): void {
    this.#readAt = this.#components.clock.now()
    this.#swarm?.stop()
    this.#origin?.stop()
    this.#membership.tellNews()
    this.#membership.stop()
    const assembly = this.#assembly
    if (assembly === undefined || assembly.complete) return
    assembly.fail(new Error('the session was stopped'))
    this.#membership.leave(assembly.taskId)
  }

  /** To be called now and then after the stop: closes the stored task when nobody reads it any more. @returns whether it did */
  closeWhenUnread(): boolean {
    const now = this.#components.clock.now()
    if (this.readers.count > 0) this.#readAt = now
    if (now - this.#readAt < LINGER_MS) return false
    this.#blocks?.close().catch(error => this.#components.logger.warn({ error }, 'stored task not closed'))
    return true
  }

  /** Takes what the supernode says about this task. */
  async receive(message: TaskMessage): Promise<void> {
    const { links, logger } = this.#components
    // Without a swarm nothing was asked of the supernode: it speaks to the download before this one.
    if (this.#swarm === undefined) return
    switch (message.type) {
      case 'map':
        await this.#assembly?.extendMap(message.from, message.digests)
        if (message.sizeBytes !== undefined) await this.#assembly?.setSize(message.sizeBytes)
        if (message.sizeBytes !== undefined) this.#shape.resolve()
        return this.#swarm?.look()
      case 'grant':
        this.#membership.granted(message.blocks)
        return this.#swarm?.granted(message.blocks)
      case 'connect':
        for (const peer of message.peers) {
          links.connect(message.task, peer).catch(error => {
            logger.debug({ peer: peer.id, error }, 'neighbour not reached')
            this.#membership.report(message.task, peer.id, 'unreachable')
          })
        }
        return
      case 'disconnect':
        for (const peer of message.peers) links.disconnect(message.task, peer)
        return
      case 'failed':
        this.#stall.supernodeGaveUp()
        // The map is that of the wrong content, and what was stored by it proves nothing.
        if (message.code === 'CONTENT_CORRUPT') await this.#assembly?.discard('the supernode was sent other content')
        return logger.debug({ taskId: message.task, code: message.code }, 'the supernode gave up on the task')
    }
  }

  /** The control stream is open again: registers anew, since the supernode may have forgotten everything. */
  linked(): void {
    if (this.#assembly?.complete !== true) this.#membership.linked()
  }

  unlinked(): void {
    this.#swarm?.revokeGrants()
  }

  /** To be called some ten times a second: deadlines, stalls, renewals. */
  tick(): void {
    const assembly = this.#assembly
    if (assembly === undefined || assembly.complete || assembly.failure !== undefined) return
    this.#swarm?.tick()
    this.#membership.tick()
    // What has to wait has not stalled, and needs no help.
    if (this.#swarm?.givesWay === true) {
      this.#stall.paused()
      return
    }
    const lacking = this.#swarm?.hungryFor() ?? []
    if (lacking.length > 0) this.#membership.hungry(assembly.taskId, lacking)

    const head = this.readers.lowestMissing(assembly)
    if (head === undefined || this.#origin !== undefined) return
    const verdict = this.#stall.judge(head, {
      background: this.#background,
      canGet: this.#swarm?.canGet(head) ?? false,
      granted: this.#swarm?.isGranted(head) ?? false,
      quietMs: this.#swarm?.quietMs(head) ?? Number.POSITIVE_INFINITY,
      mapped: head < assembly.map.length,
      // Without a swarm the supernode knows nothing of this download.
      supernodeSilentMs: this.#swarm === undefined ? Number.POSITIVE_INFINITY : this.#components.supernode.silentMs,
    })
    if (verdict === 'ask') {
      this.#membership.blocked(assembly.taskId, this.#swarm?.lackingFrom(head, ASK_QUIET_MS) ?? [head])
    } else if (verdict !== 'wait' && !this.#mayStillCome) {
      this.#components.logger.info(
        { taskId: assembly.taskId, block: head },
        'the swarm does not deliver, reading the origin',
      )
      const fromBlock = this.#stall.hurried ? head : (this.#swarm?.chooseOriginBlock(head) ?? head)
      void this.#fillFromOrigin(assembly, fromBlock, verdict === 'only-origin')
    }
  }

  async #begin(): Promise<Opened> {
    let registration: RegistrationAnswer
    try {
      registration = await this.#register()
    } catch (error) {
      if (isSwarmUrl(this.source.url) || isBlocked(error)) throw error
      this.#components.logger.debug({ error }, 'not registered, reading the origin')
      const { configured } = this.#components.supernode
      const { code } = toDamselflyError(error)
      try {
        return await this.#beginAtOrigin(configured ? { why: 'not-registered', code } : { why: 'no-supernode' })
      } catch (later) {
        // Where the origin may not be read, what the supernode said is what there is to say.
        const { code: disabled, detail } = toDamselflyError(later)
        throw disabled === 'BACK_TO_SOURCE_DISABLED' ? new DamselflyError(disabled, detail, { cause: error }) : later
      }
    }
    this.validator = registration.validator
    const small = inlineContent(registration, this.source.digest)
    return small ?? this.#beginInSwarm(registration)
  }

  /** Whether the swarm may yet give what no origin will: neighbours come back, a supernode starts anew. */
  get #mayStillCome(): boolean {
    return !hasOrigin(this.source) && this.#stall.withoutProgressMs < SWARM_PATIENCE_MS
  }

  /** What has no other origin waits longer for a supernode that is slow or starting anew. */
  async #register(): Promise<RegistrationAnswer> {
    const { supernode, resume } = this.#components
    for (let tries = 1; ; tries++) {
      try {
        return await this.#membership.register()
      } catch (error) {
        const mayPass = error instanceof DamselflyError && PASSING.has(error.code)
        const isPatient = supernode.configured && mayPass && !hasOrigin(this.source) && tries < PATIENT_TRIES
        if (!isPatient) throw error
        await resume.wait(PATIENT_PAUSE_MS, new AbortController().signal)
      }
    }
  }

  async #beginInSwarm(registration: RegistrationAnswer): Promise<Assembly> {
    const { store, pump, backgroundTasks, clientOf, links, clock, logger } = this.#components
    const { taskId, blockSizeBytes, sizeBytes } = registration
    this.contentType = registration.contentType
    const assembly = this.#assemble(await store.open(taskId, { blockSizeBytes, sizeBytes }))
    const { supernode } = registration
    this.#swarm = new SwarmDownload(
      {
        assembly,
        pump,
        backgroundTasks,
        ticket: () => this.ticket ?? '',
        clientOf: peer => clientOf(peer === supernode.id ? supernode : { id: peer, addresses: [] }),
        heads: () => this.readers.heads(),
        report: (about, kind) => this.#membership.report(taskId, about, kind),
        disconnect: peer => links.disconnect(taskId, peer),
        clock,
        logger,
      },
      { supernode, background: this.#background, seed: randomInt(2 ** 31) },
    )
    this.#stall.joined()
    this.#membership.join(taskId, assembly.present)
    if (assembly.sizeBytes === undefined) await Promise.race([this.#shape.promise, assembly.done])
    return assembly
  }

  async #beginAtOrigin(reason: OriginReason): Promise<Opened> {
    const { store } = this.#components
    const { digest } = this.source
    const stored = digest === undefined ? undefined : await store.openExisting(taskIdOfDigest(digest))
    this.#blocks = stored
    const fromBlock = stored?.present.firstClear() ?? 0
    if (stored !== undefined && fromBlock * stored.blockSizeBytes >= (stored.sizeBytes ?? Number.POSITIVE_INFINITY)) {
      return this.#assemble(stored)
    }
    const origin = new OriginDownload(this.#components, this.source)
    this.#origin = origin
    const read = await origin.open(fromBlock * (stored?.blockSizeBytes ?? 0))
    this.validator = read.validator
    const taskId = taskIdOfSource(this.source, read.validator)
    const { blockSizeBytes = blockSizeFor(read.sizeBytes) } = this.source
    const shape = { blockSizeBytes, sizeBytes: read.sizeBytes }
    this.contentType = read.contentType
    if (this.#oneOff && stored === undefined && isSmall(read)) return this.#readSmall(read, reason)
    // With neither digest nor validator nothing tells whether what is stored is still the content.
    if (digest === undefined && read.validator === undefined) await store.remove(taskId)
    const assembly = this.#assemble(stored ?? (await openAsStored(store, taskId, shape)))
    because(assembly.account, reason)
    void this.#fill(origin, assembly, read, fromBlock)
    return assembly
  }

  async #readSmall(read: ResumableRead, reason: OriginReason): Promise<SmallContent> {
    try {
      return await readSmallContent(read, reason)
    } finally {
      this.#origin = undefined
    }
  }

  #assemble(blocks: TaskBlocks): Assembly {
    this.#blocks = blocks
    const listener = {
      stored: (block: number) => {
        this.#shape.resolve()
        this.#stall.progress()
        this.#swarm?.stored(block)
        this.#membership.stored(blocks.taskId, block)
      },
      lost: (lost: number[]) => this.#membership.lost(blocks.taskId, lost),
    }
    const assembly = new Assembly(blocks, listener, this.#components.hasher)
    this.#assembly = assembly
    return assembly
  }

  async #fillFromOrigin(assembly: Assembly, fromBlock: number, nobodyElse: boolean): Promise<void> {
    const origin = new OriginDownload(this.#components, { ...this.source, validator: this.validator })
    this.#origin = origin
    because(assembly.account, { why: 'swarm-silent' })
    try {
      const read = await origin.open(fromBlock * assembly.blockSizeBytes)
      const needed = (block: number) => !assembly.has(block) && this.#swarm?.onlyOriginHas(block) !== false
      await origin.fill(assembly, { read, fromBlock, needed })
    } catch (error) {
      // What the origin could not give, the swarm may still deliver.
      if (nobodyElse || !isOriginFailure(error)) assembly.fail(error as Error)
      this.#stall.originFailed()
    } finally {
      this.#origin = undefined
    }
  }

  async #fill(origin: OriginDownload, assembly: Assembly, read: ResumableRead, fromBlock: number): Promise<void> {
    try {
      await origin.fill(assembly, { read, fromBlock, needed: block => !assembly.has(block) })
    } catch (error) {
      assembly.fail(error as Error)
    } finally {
      this.#origin = undefined
    }
  }
}
