import { DamselflyError } from '../../../protocol/errors.ts'
import type { Clock } from '../../clock.ts'
import type { Origin, OriginInfo, Source } from '../origin.ts'
import { OriginError } from '../origin-error.ts'
import { presign } from './presign.ts'
import type { FindS3Credentials, S3Credentials } from './s3-credentials.ts'
import { explainS3Failure, type S3Attempt } from './s3-failure.ts'
import type { S3OriginInit } from './s3-settings.ts'
import { parseS3Url, s3HttpUrl } from './s3-url.ts'

/** What an S3 origin works with. */
export interface S3OriginComponents {
  /** Sends the presigned requests. Whoever gives it stops it. */
  readonly http: Pick<Origin, 'open' | 'check'>
  readonly credentials: FindS3Credentials
  readonly clock: Clock
}

/** Our own requests are sent as soon as they are signed. */
const OWN_EXPIRES_MS = 15 * 60_000
/** A header that may go into the query: the requester pays for the transfer. */
const PAYER_HEADER = 'x-amz-request-payer'

/**
 * Reads `s3://bucket/key` from Amazon S3 and whatever speaks its protocol. Requests are presigned (AWS Signature Version 4) and go
 * through the HTTP origin; without keys they are sent unsigned. Secret keys stay in this process: others get a URL for one object.
 * @throws beside what {@link Origin} throws: CONFIG_INVALID for keys that are half there
 */
export function createS3Origin(
  components: S3OriginComponents,
  init: S3OriginInit,
): Origin & Required<Pick<Origin, 'locate'>> {
  const { http, clock } = components

  async function signedSource(
    source: Source,
    method: 'GET' | 'HEAD',
    expiresMs: number,
    credentials: S3Credentials | undefined,
  ): Promise<Source> {
    const { headers, query } = splitHeaders(source.headers)
    const url = s3HttpUrl(parseS3Url(source.url), init)
    if (credentials === undefined) {
      const payer = query[PAYER_HEADER]
      const unsigned = payer === undefined ? headers : { ...headers, [PAYER_HEADER]: payer }
      return { ...source, url, headers: unsigned, credentials: undefined }
    }
    const signing = { credentials, region: init.region, at: clock.wallTime(), expiresMs }
    return { ...source, url: await presign({ method, url, query }, signing), headers, credentials: undefined }
  }

  function attemptAt(source: Source, credentials: S3Credentials | undefined): S3Attempt {
    const location = parseS3Url(source.url)
    const { host } = new URL(s3HttpUrl(location, init))
    return { location, host, region: init.region, signed: credentials !== undefined, permission: 's3:GetObject' }
  }

  /** Asks with a HEAD that is signed as such. After a refusal a GET is asked, whose answer says why. */
  async function check(source: Source, options: { readonly signal?: AbortSignal | undefined }): Promise<OriginInfo> {
    const credentials = await components.credentials()
    try {
      return await http.check(await signedSource(source, 'HEAD', OWN_EXPIRES_MS, credentials), options)
    } catch (error) {
      if (!isRefusal(error)) throw error
      try {
        return await http.check(await signedSource(source, 'GET', OWN_EXPIRES_MS, credentials), options)
      } catch (again) {
        throw await explainS3Failure(again, attemptAt(source, credentials))
      }
    }
  }

  return {
    async open(source, options = {}) {
      options.signal?.throwIfAborted()
      const credentials = await components.credentials()
      try {
        return await http.open(await signedSource(source, 'GET', OWN_EXPIRES_MS, credentials), options)
      } catch (error) {
        throw await explainS3Failure(error, attemptAt(source, credentials))
      }
    },
    async check(source, options = {}) {
      options.signal?.throwIfAborted()
      return check(source, options)
    },
    async locate(source) {
      return signedSource(source, 'GET', init.locateExpiresMs, await components.credentials())
    },
  }
}

/** Whether the store does not want this very request, rather than being busy or broken. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof OriginError ? error.originStatus : undefined
  return status !== undefined && status < 500 && status !== 429
}

/** What of a requester's headers is sent as such, and what goes into the signed query. @throws DamselflyError REQUEST_INVALID */
function splitHeaders(given: Source['headers']): { headers: Record<string, string>; query: Record<string, string> } {
  const headers: Record<string, string> = {}
  const query: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase()
    if (lower === PAYER_HEADER) query[lower] = value
    else if (lower === 'authorization' || lower.startsWith('x-amz-')) {
      throw new DamselflyError(
        'REQUEST_INVALID',
        `the header ${lower} cannot go with s3://, whose requests are signed here; leave it out`,
      )
    } else headers[name] = value
  }
  return { headers, query }
}
