import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../lib/clock.ts'
import type { RegistryCredentials } from '../../lib/origin/credentials/registry-credentials.ts'
import { createUpstreamFetcher, type UpstreamFetcherInit } from '../../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../../lib/origin/http-origin.ts'
import type { Origin } from '../../lib/origin/origin.ts'
import { captureLog, type LogCapture } from './log-capture.ts'
import { readAll } from './origin-content.ts'
import { trialPolicy } from './outbound.ts'

/** An account as Harbor's robots have it, with characters that forms and headers must take care of. */
export const ROBOT = { username: 'robot$library+pull', password: 'planted:secret/ä' }
/** The same with another password. */
export const WRONG_ROBOT = { ...ROBOT, password: 'other' }

/** The `Authorization` that shows an account by the Basic scheme. */
export function basicOf({ username, password }: typeof ROBOT): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** An origin of the running test, with all that it logs. */
export interface LoggedOrigin {
  readonly origin: Origin
  readonly log: LogCapture
  /** Opens content and reads it to its end. */
  read(url: string, credentials?: RegistryCredentials, headers?: Record<string, string>): Promise<Buffer>
}

/** Makes an origin that ends with the test. */
export function createLoggedOrigin({
  clock = systemClock,
  init = {},
}: {
  clock?: Clock
  init?: Partial<UpstreamFetcherInit>
} = {}): LoggedOrigin {
  const log = captureLog()
  const fetcher = createUpstreamFetcher({ logger: log.logger, clock }, { outbound: trialPolicy(), ...init })
  onTestFinished(() => fetcher.stop())
  const origin = createHttpOrigin({ fetcher })
  return {
    origin,
    log,
    read: async (url, credentials, headers = {}) => readAll((await origin.open({ url, headers, credentials })).body),
  }
}
