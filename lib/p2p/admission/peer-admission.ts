/** What the other end of a connection has shown. */
export interface Admitted {
  /** When its connections end unless it shows something newer, in milliseconds since 1970 by this node's clock. */
  readonly expiresAt: number
}

/** Who may have a connection to a node, and what the node shows to others. */
export interface PeerAdmission {
  /** What this node shows. While it has nothing to show, it has no connections. */
  own(): Uint8Array | undefined
  /**
   * Looks at what another node shows.
   * @param peer the PeerId that the handshake proved
   * @throws DamselflyError NOT_A_MEMBER
   */
  check(peer: string, shown: Uint8Array): Admitted
  /** Calls back whenever there is something new to show, until the returned function is called. */
  onRenewed(listener: () => void): () => void
  /** Hears of every connection that did not come about, or was ended, because of what a peer has shown or has failed to show. */
  refused(peer: string, error: Error): void
}
