import type { Stream } from '@libp2p/interface'
import type { Expulsion, PeerAddress } from '../../protocol/messages/fields.ts'
import type { Startable } from '../lifecycle.ts'

/** What we need of a libp2p node. */
export interface P2pNode extends Startable {
  /** Our own PeerId in base58. */
  readonly peerId: string
  /** Multiaddrs under which others can reach us, without the `/p2p/` part. */
  addresses(): string[]
  /** Answers streams of a protocol. `peer` is the PeerId that the handshake proved, `from` the multiaddr of its connection. */
  handle(protocol: string, onStream: (stream: Stream, peer: string, from: string) => void): Promise<void>
  /**
   * Opens a stream, over the existing connection if there is one. The other end has proved that it is `peer.id`.
   * @throws DamselflyError NOT_A_MEMBER when one of the two may have no connections; an Error when the peer cannot be reached
   */
  dial(peer: PeerAddress, protocol: string, options: { signal: AbortSignal }): Promise<Stream>
  /**
   * Ends all connections to peers, and makes and takes none until the given moment. What is said of a peer takes the place of
   * what was said before; nobody can expel a node from itself.
   */
  expel(peers: readonly Expulsion[]): void
}

/** A node that can also try out whether others can be reached. */
export interface ProbingP2pNode extends P2pNode {
  /**
   * Makes a connection of its own to a peer, whatever others there are, and ends it.
   * @throws when none of the addresses leads to that very peer
   */
  probe(peer: PeerAddress, options: { signal: AbortSignal }): Promise<void>
}
