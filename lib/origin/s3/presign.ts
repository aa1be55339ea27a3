import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import type { S3Credentials } from './s3-credentials.ts'
import { encodeS3 } from './s3-url.ts'

/** A request as it is to be signed. */
export interface UnsignedRequest {
  readonly method: 'GET' | 'HEAD'
  /** http or https URL without query, whose path is encoded as it is sent. */
  readonly url: string
  /** Parameters beside those of the signature, not encoded. */
  readonly query?: Readonly<Record<string, string>> | undefined
}

/** With what, for where and for how long. */
export interface Signing {
  readonly credentials: S3Credentials
  readonly region: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Milliseconds; whole seconds of it count. */
  readonly expiresMs: number
}

/**
 * The URL under which everybody may make this one request until it expires (AWS Signature Version 4, "Authenticating Requests: Using
 * Query Parameters"). Headers other than `Host` are not signed, so any range may be asked for.
 */
export async function presign({ method, url, query = {} }: UnsignedRequest, signing: Signing): Promise<string> {
  // Loaded here: most programs and runs read nothing from S3.
  const { SignatureV4 } = await import('@smithy/signature-v4')
  const { region } = signing
  const { accessKeyId, secretAccessKey, sessionToken } = signing.credentials
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  // The path is encoded already, and S3 wants it signed as it is sent.
  const signer = new SignatureV4({ credentials, region, service: 's3', sha256: Sha256, uriEscapePath: false })
  const { protocol, hostname, host, pathname } = new URL(url)
  const payloadHeader = new Set(['x-amz-content-sha256'])
  const request = {
    method,
    protocol,
    hostname,
    path: pathname,
    query: { ...query },
    headers: { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
  }
  const signed = await signer.presign(request, {
    signingDate: new Date(signing.at),
    expiresIn: Math.floor(signing.expiresMs / 1000),
    unhoistableHeaders: payloadHeader,
    unsignableHeaders: payloadHeader,
  })
  return withQuery(url, signed.query ?? {})
}

/** A URL with parameters, encoded as they are signed. */
export function withQuery(url: string, query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encodeS3(name)}=${encodeS3(String(value))}`)
  return pairs.length === 0 ? url : `${url}?${pairs.join('&')}`
}

/** SHA-256, or HMAC with it, in the form that the signer asks for. */
class Sha256 {
  readonly #secret: string | Uint8Array | undefined
  #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined || typeof secret === 'string' ? secret : bytesOf(secret)
    this.#hash = this.#begin()
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    this.#hash = this.#begin()
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}
