import { DamselflyError } from '../../../protocol/errors.ts'

/** What an `s3://` URL names. */
export interface S3Location {
  readonly bucket: string
  /** As it is stored, not percent-encoded; empty for the bucket itself. */
  readonly key: string
}

/** Where the stores of a configuration are. */
export interface S3Place {
  /** http or https URL of a store other than Amazon's. */
  readonly endpoint?: string | undefined
  readonly region: string
  /** Whether the bucket is the first part of the path instead of a part of the host's name. */
  readonly pathStyle: boolean
}

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/
const KEY_LIMIT_BYTES = 1024

/**
 * Reads `s3://bucket/key`. The key is taken as it stands, as other S3 tools do: it is not percent-encoded, and `?`, `#`, `+` and `//`
 * belong to it.
 * @throws DamselflyError REQUEST_INVALID
 */
export function parseS3Url(text: string): S3Location {
  const { bucket, key } = parseS3Prefix(text)
  if (key === '') throw invalid(`it names a bucket, not an object; write s3://${bucket}/KEY`)
  return { bucket, key }
}

/** Reads `s3://bucket` or `s3://bucket/prefix`, whose key may be empty. @throws DamselflyError REQUEST_INVALID */
export function parseS3Prefix(text: string): S3Location {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/is.exec(text) ?? []
  if (!BUCKET.test(bucket))
    throw invalid('write s3://BUCKET/KEY, with 3 to 63 letters, digits, dots and hyphens for the bucket')
  if (!key.isWellFormed() || Buffer.byteLength(key) > KEY_LIMIT_BYTES) {
    throw invalid(`a key is at most ${KEY_LIMIT_BYTES} bytes of well-formed Unicode`)
  }
  // Whatever sends the request would resolve them, and ask for another object.
  if (key.split('/').some(part => part === '.' || part === '..')) {
    throw invalid('a key with . or .. between its slashes cannot be asked for over HTTP')
  }
  return { bucket, key }
}

/** An `s3://` URL as {@link parseS3Url} reads it. */
export function formatS3Url({ bucket, key }: S3Location): string {
  return `s3://${bucket}/${key}`
}

/** The http or https URL of an object, or of a bucket when the key is empty, without query. */
export function s3HttpUrl({ bucket, key }: S3Location, place: S3Place): string {
  const { endpoint, region, pathStyle } = place
  const { protocol, host, pathname } = new URL(endpoint ?? `https://s3.${region}.${amazonDomain(region)}`)
  const base = pathname.replace(/\/+$/, '')
  const path = key.split('/').map(encodeS3).join('/')
  if (!pathStyle && isHostLabel(bucket, protocol)) return `${protocol}//${bucket}.${host}${base}/${path}`
  return `${protocol}//${host}${base}/${bucket}${key === '' ? '' : `/${path}`}`
}

/** Percent-encodes all but the unreserved characters (RFC 3986 §2.3), as Signature Version 4 wants it. */
export function encodeS3(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function amazonDomain(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
}

/** Names with capitals or underscores are no host names, and certificates do not cover names with dots. */
function isHostLabel(bucket: string, protocol: string): boolean {
  return protocol === 'https:' ? /^[a-z0-9-]+$/.test(bucket) : /^[a-z0-9.-]+$/.test(bucket)
}

function invalid(why: string): DamselflyError {
  return new DamselflyError('REQUEST_INVALID', `not the s3:// URL of an object: ${why}`)
}
