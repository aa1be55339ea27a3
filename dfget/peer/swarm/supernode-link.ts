import type { Clock } from '../../../lib/clock.ts'
import type { ClusterClock } from '../../../lib/cluster-clock.ts'
import type { Logger } from '../../../lib/logger.ts'
import { ownPlatform } from '../../../lib/origin/artifacts/platform.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { registeredSource } from '../../../lib/origin/registered-source.ts'
import type { P2pNode } from '../../../lib/p2p/p2p-node.ts'
import { VERSION } from '../../../lib/version.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type {
  BlockingMessage,
  FetchMessage,
  PeerToSupernode,
  ReplicaMessage,
  TaskMessage,
} from '../../../protocol/messages/control.ts'
import type { Labels } from '../../../protocol/messages/fields.ts'
import type { ClusterInfo, RegistrationAnswer } from '../../../protocol/messages/registration.ts'
import { createTicketVerifier, type TicketVerifier } from '../../../protocol/ticket.ts'
import { type ControlChannel, openControlChannel } from '../../../supernode/client/control-client.ts'
import type { SupernodeClient } from '../../../supernode/client/supernode-client.ts'

/** Who hears what the supernode says. */
export interface SupernodeListener {
  message(message: TaskMessage | ReplicaMessage | FetchMessage | BlockingMessage): void
  /** The control stream is open; everything that the supernode should know has to be told again. */
  linked(): void
  unlinked(): void
}

export interface SupernodeLinkComponents {
  /** Undefined when this peer has no supernode. */
  readonly client: SupernodeClient | undefined
  readonly node: P2pNode
  /** Is told what time the supernode has. */
  readonly clock: ClusterClock
  readonly logger: Logger
  readonly listener: SupernodeListener
}

/** What a peer says of itself. */
export interface Introduction {
  readonly labels: Labels
  /** Whether it keeps replicas when it is asked to. */
  readonly keeps: boolean
  /** Whether it fetches content that nobody there waits for when it is told to. */
  readonly fetches: boolean
}

const DIAL_TIMEOUT_MS = 3_000
/** How long a registration waits for the control stream: a pull waits no longer for a supernode than that. */
const LINK_WAIT_MS = 1_000
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 15_000

/** A peer's connection to its supernode: registration by HTTP, then the control stream, which is kept open. */
export class SupernodeLink {
  readonly #components: SupernodeLinkComponents
  readonly #introduction: Introduction
  #cluster: ClusterInfo | undefined
  #verifier: TicketVerifier | undefined
  #channel: ControlChannel | undefined
  #opening: Promise<void> | undefined
  #retryMs = FIRST_RETRY_MS
  #cancelRetry = () => {}
  #stopping = new AbortController()
  #heardAt = 0

  constructor(components: SupernodeLinkComponents, introduction: Introduction) {
    this.#components = components
    this.#introduction = introduction
  }

  /** Undefined until a supernode has been reached once. */
  get ticketVerifier(): TicketVerifier | undefined {
    return this.#verifier
  }

  /** The PeerId of the supernode, once known. */
  get peerId(): string | undefined {
    return this.#cluster?.supernode.id
  }

  /** Whether this peer has a supernode at all. */
  get configured(): boolean {
    return this.#components.client !== undefined
  }

  get linked(): boolean {
    return this.#channel?.open === true
  }

  /** Milliseconds since the supernode was last heard on the control stream; infinite while there is none. */
  get silentMs(): number {
    return this.linked ? this.#components.clock.now() - this.#heardAt : Number.POSITIVE_INFINITY
  }

  /** Looks for the supernode in the background. A peer without one, or whose supernode is down, starts all the same. */
  async start(): Promise<void> {
    this.#stopping = new AbortController()
    if (this.#components.client !== undefined) this.#retry(0)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#cancelRetry()
    this.#channel?.close()
  }

  /**
   * Registers for a task, and makes sure that there is a control stream.
   * @throws DamselflyError SUPERNODE_UNREACHABLE, or what the origin said to the supernode
   */
  async register(
    { source, inline }: { readonly source: Source; readonly inline: boolean },
    { signal }: { signal: AbortSignal },
  ): Promise<RegistrationAnswer> {
    const { client, node } = this.#components
    if (client === undefined) throw new DamselflyError('SUPERNODE_UNREACHABLE', 'none is configured')
    const body = { peerId: node.peerId, source: registeredSource(source), ...(inline && { inline }) }
    const answer = await client.register(body, { signal })
    this.#meet(answer)
    // What is here already needs no swarm.
    if (answer.content !== undefined) return answer
    await withDeadline(this.#open(), LINK_WAIT_MS, this.#components.clock)
    return answer
  }

  send(message: PeerToSupernode): void {
    this.#channel?.send(message)
  }

  #meet(cluster: ClusterInfo): void {
    this.#components.clock.learn(cluster.now)
    if (this.#cluster?.clusterKey !== cluster.clusterKey) this.#verifier = createTicketVerifier(cluster.clusterKey)
    this.#cluster = cluster
  }

  #open(): Promise<void> {
    if (this.linked) return Promise.resolve()
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openNow(): Promise<void> {
    const { client, node, listener, logger } = this.#components
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
    if (this.#cluster === undefined && client !== undefined) this.#meet(await client.cluster({ signal }))
    if (this.#cluster === undefined) return
    const { supernode } = this.#cluster
    this.#channel = await openControlChannel(
      node,
      supernode,
      {
        message: message => {
          this.#heardAt = this.#components.clock.now()
          if (message.type === 'expelled') node.expel(message.peers)
          else if (message.type !== 'pong') listener.message(message)
        },
        closed: error => this.#lost(error),
      },
      { signal },
    )
    this.#heardAt = this.#components.clock.now()
    this.#retryMs = FIRST_RETRY_MS
    const { labels, keeps, fetches } = this.#introduction
    const can = { ...(keeps && { keeps }), ...(fetches && { fetches, platform: ownPlatform() }) }
    this.send({ type: 'hello', addresses: node.addresses(), labels, agent: `damselfly/${VERSION}`, ...can })
    logger.info({ supernode: supernode.id }, 'linked to the supernode')
    listener.linked()
  }

  #lost(error: Error | undefined): void {
    this.#channel = undefined
    this.#components.listener.unlinked()
    if (this.#stopping.signal.aborted) return
    this.#components.logger.warn({ error: error?.message }, 'lost the supernode; pulls go on without it')
    // A restarted supernode may have another address, or be another one.
    this.#cluster = undefined
    this.#retry(this.#retryMs)
  }

  #retry(delayMs: number): void {
    this.#cancelRetry()
    this.#cancelRetry = this.#components.clock.after(delayMs, () => {
      this.#open().catch(error => {
        if (this.#stopping.signal.aborted) return
        this.#components.logger.debug({ error }, 'supernode not reached')
        this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS)
        this.#retry(this.#retryMs)
      })
    })
  }
}

async function withDeadline(work: Promise<void>, deadlineMs: number, clock: Clock): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const cancel = clock.after(deadlineMs, () =>
    reject(new DamselflyError('SUPERNODE_UNREACHABLE', `no control stream within ${deadlineMs} ms`)),
  )
  await Promise.race([work, promise]).finally(cancel)
}
