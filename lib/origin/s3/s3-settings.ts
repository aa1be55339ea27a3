import { DamselflyError } from '../../../protocol/errors.ts'
import type { S3Place } from './s3-url.ts'

/** Settings of an S3 origin. */
export interface S3OriginInit extends S3Place {
  /** How long others may read what {@link Origin.locate} names, in milliseconds. Keys that end sooner end it sooner. */
  readonly locateExpiresMs: number
}

/** What flags or a file say; the rest comes from the environment. */
export interface GivenS3Settings {
  /** `--s3-endpoint`, an http or https URL. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  /** True wherever an endpoint is given, by default. */
  readonly pathStyle?: boolean | undefined
  /** 12 hours by default, 7 days at most. */
  readonly locateExpiresMs?: number | undefined
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

const HOUR_MS = 3_600_000
const LOCATE_EXPIRES_DEFAULT_MS = 12 * HOUR_MS
/** Signature Version 4 knows no longer time. */
const LOCATE_EXPIRES_MAX_MS = 7 * 24 * HOUR_MS

/**
 * Puts the settings of an S3 origin together: what is given, then `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, `AWS_REGION` and
 * `AWS_DEFAULT_REGION`. Empty variables count as not set. Without a region it is us-east-1.
 * @throws DamselflyError CONFIG_INVALID
 */
export function s3InitOf(given: GivenS3Settings, environment: Environment): S3OriginInit {
  const endpoint = firstOf(given.endpoint, environment.AWS_ENDPOINT_URL_S3, environment.AWS_ENDPOINT_URL)
  const region = firstOf(given.region, environment.AWS_REGION, environment.AWS_DEFAULT_REGION) ?? 'us-east-1'
  const { pathStyle = endpoint !== undefined, locateExpiresMs = LOCATE_EXPIRES_DEFAULT_MS } = given
  if (endpoint !== undefined) checkEndpoint(endpoint)
  if (!/^[a-z0-9-]{1,63}$/.test(region)) throw invalid('the region is not one, such as eu-central-1; check AWS_REGION')
  if (!(locateExpiresMs >= 1_000 && locateExpiresMs <= LOCATE_EXPIRES_MAX_MS)) {
    throw invalid('presigned URLs live from one second to 7 days')
  }
  return { endpoint, region, pathStyle, locateExpiresMs }
}

function checkEndpoint(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw invalid('the endpoint must be an http:// or https:// URL, such as https://minio.example:9000')
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalid('the endpoint must have no account, query or fragment; keys come from AWS_ACCESS_KEY_ID or a profile')
  }
}

function firstOf(...values: (string | undefined)[]): string | undefined {
  return values.find(value => value !== undefined && value !== '')
}

function invalid(why: string): DamselflyError {
  return new DamselflyError('CONFIG_INVALID', `S3: ${why}`)
}
