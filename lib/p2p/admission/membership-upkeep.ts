import type { Connection, Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import pLimit from 'p-limit'
import { DamselflyError } from '../../../protocol/errors.ts'
import { MEMBERSHIP_PROTOCOL } from '../../../protocol/protocol-ids.ts'
import type { Clock } from '../../clock.ts'
import type { Startable } from '../../lifecycle.ts'
import type { AdmittedPeers } from './admitted-peers.ts'
import { createCredentialChannel } from './credential-channel.ts'
import type { PeerAdmission } from './peer-admission.ts'

export interface MembershipUpkeepComponents {
  readonly libp2p: Libp2p
  readonly admission: PeerAdmission
  readonly members: AdmittedPeers
  readonly clock: Clock
}

/** How often it is looked whose time is over, in milliseconds. */
const SWEEP_MS = 1_000
/** How long one neighbour may take to be told, or to tell. */
const TELL_DEADLINE_MS = 10_000
/** Neighbours that are told at once. */
const MAX_TELLING = 64
/** Streams of one connection on which something may be told at once: an old one overlaps with the next. */
const MAX_STREAMS = 2

/** Keeps connections between members alive while they renew what they show, and ends those of others. */
export class MembershipUpkeep implements Startable {
  readonly #components: MembershipUpkeepComponents
  readonly #limit = pLimit(MAX_TELLING)
  #ends: (() => void)[] = []

  constructor(components: MembershipUpkeepComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    await this.stop()
    const { libp2p, admission, clock } = this.#components
    const opened = ({ detail }: CustomEvent<Connection>) => this.#opened(detail)
    libp2p.addEventListener('connection:open', opened)
    this.#ends = [
      () => libp2p.removeEventListener('connection:open', opened),
      admission.onRenewed(() => this.#renewed()),
      clock.every(SWEEP_MS, () => this.#sweep()),
      () => this.#limit.clearQueue(),
    ]
    await libp2p.handle(MEMBERSHIP_PROTOCOL, (stream, connection) => void this.#receive(stream, connection), {
      maxInboundStreams: MAX_STREAMS,
      maxOutboundStreams: MAX_STREAMS,
    })
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0)) end()
    await this.#components.libp2p.unhandle(MEMBERSHIP_PROTOCOL)
  }

  #opened(connection: Connection): void {
    const { admission, members } = this.#components
    const peer = connection.remotePeer.toString()
    if (!members.has(peer)) connection.abort(expired())
    // What it was shown may have been renewed while the connection was being made.
    else if (members.toldTo(peer) !== admission.own()) this.#tell(connection)
  }

  /** What is known of one connection counts for all of the same peer, so one message to each peer is enough. */
  #renewed(): void {
    const byPeer = new Map(this.#components.libp2p.getConnections().map(each => [each.remotePeer.toString(), each]))
    for (const connection of byPeer.values()) this.#tell(connection)
  }

  #tell(connection: Connection): void {
    this.#limit(() => this.#tellNow(connection)).catch(error =>
      connection.log('could not show a renewed credential - %e', error),
    )
  }

  async #tellNow(connection: Connection): Promise<void> {
    const own = this.#components.admission.own()
    if (own === undefined || connection.status !== 'open') return
    const signal = AbortSignal.timeout(TELL_DEADLINE_MS)
    const stream = await connection.newStream(MEMBERSHIP_PROTOCOL, { signal })
    try {
      await createCredentialChannel(stream).write(own, { signal })
      await stream.close({ signal })
    } catch (error) {
      stream.abort(error as Error)
      throw error
    }
  }

  async #receive(stream: Stream, connection: Connection): Promise<void> {
    const { admission, members } = this.#components
    const peer = connection.remotePeer.toString()
    try {
      const shown = await createCredentialChannel(stream).read({ signal: AbortSignal.timeout(TELL_DEADLINE_MS) })
      members.extend(peer, admission.check(peer, shown).expiresAt)
      await stream.close()
    } catch (thrown) {
      const error = thrown as Error
      stream.abort(error)
      // A way that is slow or broken is no fault; what is here counts as long as it did before.
      if (!(error instanceof DamselflyError)) return
      admission.refused(peer, error)
      this.#end(new Set([peer]), error)
    }
  }

  #sweep(): void {
    const { admission, members, clock } = this.#components
    const expiredPeers = new Set(members.takeExpired(clock.wallTime()))
    if (expiredPeers.size === 0) return
    for (const connection of this.#end(expiredPeers, expired()))
      admission.refused(connection.remotePeer.toString(), expired())
  }

  #end(peers: ReadonlySet<string>, error: Error): Connection[] {
    const theirs = this.#components.libp2p.getConnections().filter(({ remotePeer }) => peers.has(remotePeer.toString()))
    for (const connection of theirs) connection.abort(error)
    return theirs
  }
}

function expired(): DamselflyError {
  return new DamselflyError(
    'NOT_A_MEMBER',
    'its credential has expired and it has shown no newer one; see whether it reaches its supernode',
  )
}
