import { randomBytes } from 'node:crypto'
import { DamselflyError } from '../../protocol/errors.ts'

/** Tells the requests of this very daemon, which would ask itself for ever if it were its own upstream or mirror. */
export interface LoopGuard {
  /** What this daemon's requests carry as `Via` (RFC 9110 §7.6.3). A random name: registries learn nothing by it. */
  readonly via: string
  /**
   * @param via header of a request that has arrived
   * @throws DamselflyError LOOP_DETECTED when this daemon sent it
   */
  check(via: string | undefined): void
}

export function createLoopGuard(): LoopGuard {
  const name = `damselfly-${randomBytes(8).toString('hex')}`
  return {
    via: `1.1 ${name}`,
    check(via) {
      if (via?.includes(name)) {
        throw new DamselflyError('LOOP_DETECTED', 'an upstream or mirror in its configuration leads back to it')
      }
    },
  }
}
