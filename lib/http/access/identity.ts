import type { Role } from '../../../protocol/roles.ts'

/** Whoever sent a request, as far as that is proven. */
export interface Identity {
  /**
   * What proves it: nothing (`anonymous`), that it came over the loopback of a trial (`trial`), the file mode of a Unix socket
   * (`socket`), a token (`token`), or the key of a PeerId (`node`).
   */
  readonly kind: 'anonymous' | 'trial' | 'socket' | 'token' | 'node'
  /** For logs and limits: an address, a token's id, a PeerId. Never a secret. */
  readonly id: string
  readonly roles: ReadonlySet<Role>
}
