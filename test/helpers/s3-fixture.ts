import { type Clock, systemClock } from '../../lib/clock.ts'
import type { Startable } from '../../lib/lifecycle.ts'
import { silentLogger } from '../../lib/logger.ts'
import { createUpstreamFetcher, type UpstreamFetcherInit } from '../../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../../lib/origin/http-origin.ts'
import type { Origin } from '../../lib/origin/origin.ts'
import { S3Credentials } from '../../lib/origin/s3/s3-credentials.ts'
import { createS3Origin, type S3OriginComponents } from '../../lib/origin/s3/s3-origin.ts'
import type { S3OriginInit } from '../../lib/origin/s3/s3-settings.ts'
import { trialPolicy } from './outbound.ts'
import { S3_ACCOUNT } from './s3-server.ts'

/** How an S3 origin of a test differs from one with the store's own account. */
export interface S3FixtureInit extends Partial<S3OriginInit> {
  /** `undefined` to ask without signature. */
  readonly account?:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined
  readonly clock?: Clock
  readonly fetcher?: Partial<UpstreamFetcherInit>
}

/** An S3 origin, with what it is made of. Whoever makes it stops `http`. */
export interface S3Fixture {
  readonly http: Origin & Startable
  readonly s3: Origin & Required<Pick<Origin, 'locate'>>
  readonly components: S3OriginComponents
  readonly init: S3OriginInit
}

/** Makes an S3 origin for the store at an endpoint. */
export function createS3Fixture(endpoint: string, given: S3FixtureInit = {}): S3Fixture {
  const defaults: S3FixtureInit = { account: S3_ACCOUNT }
  const { account, clock = systemClock, fetcher = {}, ...rest } = { ...defaults, ...given }
  const used = createUpstreamFetcher({ logger: silentLogger() }, { outbound: trialPolicy(), ...fetcher })
  const http = { ...createHttpOrigin({ fetcher: used }), start: used.start, stop: used.stop }
  const keys = account && new S3Credentials(account.accessKeyId, account.secretAccessKey, account.sessionToken)
  const components = { http, clock, credentials: async () => keys }
  const init = { endpoint, region: 'us-east-1', pathStyle: true, locateExpiresMs: 3_600_000, ...rest }
  return { http, s3: createS3Origin(components, init), components, init }
}
