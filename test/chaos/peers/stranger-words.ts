import type { PeerAddress } from '../../../protocol/messages/fields.ts'

/** What a stranger is told: whom to dial. */
export interface StrangerOrder {
  readonly peers: readonly PeerAddress[]
}

/** What a stranger says when it gets what it should not. */
export interface Intrusion {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly what: string
}
