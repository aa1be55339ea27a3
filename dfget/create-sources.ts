import type { Clock } from '../lib/clock.ts'
import type { Startable } from '../lib/lifecycle.ts'
import type { Logger } from '../lib/logger.ts'
import { createFileOrigin } from '../lib/origin/file-origin.ts'
import { createUpstreamFetcher, type UpstreamFetcher } from '../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../lib/origin/http-origin.ts'
import type { Origin } from '../lib/origin/origin.ts'
import { createOrigins } from '../lib/origin/origins.ts'
import { ownUserPolicy } from '../lib/origin/outbound/create-policy.ts'
import { createS3CredentialFinder } from '../lib/origin/s3/s3-credentials.ts'
import { createS3Origin, type S3OriginComponents } from '../lib/origin/s3/s3-origin.ts'
import { type S3OriginInit, s3InitOf } from '../lib/origin/s3/s3-settings.ts'
import { loadTlsSettings } from '../lib/origin/tls-settings.ts'
import type { DfgetConfig } from './config.ts'

/** All that a run reads origins with. */
export interface Sources extends Startable {
  /** Reads every kind of source. */
  readonly origin: Origin & Required<Pick<Origin, 'locate'>>
  /** Asks web servers and registries for listings and manifests. */
  readonly fetcher: UpstreamFetcher
  readonly s3: { readonly parts: S3OriginComponents; readonly init: S3OriginInit }
}

/** The settings that say how origins are read. */
export type SourceSettings = Pick<DfgetConfig, 'cacert' | 'insecure' | 'timeout' | 'proxy' | 's3Endpoint' | 's3Region'>

/** Puts together what reads origins. @throws DamselflyError CONFIG_INVALID */
export async function createSources(
  config: SourceSettings,
  { logger, clock }: { readonly logger: Logger; readonly clock: Clock },
): Promise<Sources> {
  const tls = await loadTlsSettings({ caFile: config.cacert, insecure: config.insecure })
  const silenceMs = config.timeout * 1000
  const fetcher = createUpstreamFetcher(
    { logger, clock },
    {
      outbound: ownUserPolicy(),
      tlsFor: () => tls,
      headersTimeoutMs: silenceMs,
      bodyIdleTimeoutMs: silenceMs,
      proxy: { url: config.proxy },
    },
  )
  const http = createHttpOrigin({ fetcher })
  const parts = { http, clock, credentials: createS3CredentialFinder(process.env) }
  const init = s3InitOf({ endpoint: config.s3Endpoint, region: config.s3Region }, process.env)
  const origin = createOrigins({ http, file: createFileOrigin(), s3: createS3Origin(parts, init) })
  return { origin, fetcher, s3: { parts, init }, start: () => fetcher.start(), stop: () => fetcher.stop() }
}
