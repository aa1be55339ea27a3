interface Member {
  readonly expiresAt: number
  readonly told: Uint8Array
}

/** Who has shown that it is a member, and for how long that counts. An entry lasts as long as what was shown, not longer. */
export class AdmittedPeers {
  readonly #members = new Map<string, Member>()

  /**
   * A peer has shown something that counts until then (milliseconds since 1970). That it has shown more before still counts.
   * @param told what it was shown in turn
   */
  admit(peer: string, expiresAt: number, told: Uint8Array): void {
    this.#members.set(peer, { expiresAt: Math.max(expiresAt, this.#members.get(peer)?.expiresAt ?? 0), told })
  }

  /** A member has shown something newer. */
  extend(peer: string, expiresAt: number): void {
    const member = this.#members.get(peer)
    if (member !== undefined) this.admit(peer, expiresAt, member.told)
  }

  has(peer: string): boolean {
    return this.#members.has(peer)
  }

  /** What a member was shown when it connected last. */
  toldTo(peer: string): Uint8Array | undefined {
    return this.#members.get(peer)?.told
  }

  /** Forgets those whose time is over. @returns who they are */
  takeExpired(now: number): string[] {
    const expired = [...this.#members].filter(([, { expiresAt }]) => expiresAt < now).map(([peer]) => peer)
    for (const peer of expired) this.#members.delete(peer)
    return expired
  }
}
