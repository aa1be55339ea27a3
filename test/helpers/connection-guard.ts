import { type Clock, systemClock } from '../../lib/clock.ts'
import type { ConnectionLimitsConfig } from '../../lib/http/protection/config.ts'
import {
  type ConnectionGuard,
  createConnectionGuard,
  type EndReason,
} from '../../lib/http/protection/connection-guard.ts'
import { type Logger, silentLogger } from '../../lib/logger.ts'

/** What a test gives a guard. */
export interface TestGuardInit extends Partial<ConnectionLimitsConfig> {
  readonly clock?: Clock
  readonly logger?: Logger
}

/** A guard, and why it has ended connections so far. */
export interface TestGuard extends ConnectionGuard {
  readonly ended: readonly EndReason[]
}

/** A guard with the limits that are given, and hardly any besides. */
export function testGuard({ clock = systemClock, logger = silentLogger(), ...limits }: TestGuardInit = {}): TestGuard {
  const ended: EndReason[] = []
  const config = { max: 1_000, maxPerAddress: 1_000, headersSeconds: 60, minBodyRate: 0, ...limits }
  return { ...createConnectionGuard({ clock, logger, ended: reason => ended.push(reason) }, config), ended }
}
