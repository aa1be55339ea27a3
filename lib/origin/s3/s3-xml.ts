/** What an S3 store says of a failure (S3 API reference, "REST error responses"). */
export interface S3ErrorAnswer {
  /** Such as `NoSuchKey`. */
  readonly code: string
  readonly message: string
  /** The region that the bucket is in, where the store tells. */
  readonly region: string | undefined
}

/** One page of a listing (S3 API reference, ListObjectsV2). */
export interface S3ListPage {
  readonly objects: readonly S3ListedObject[]
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined
}

/** An object of a listing. */
export interface S3ListedObject {
  /** As it is stored, not percent-encoded. */
  readonly key: string
  readonly sizeBytes: number
  /** With its quotes; the validator that the object's content has when it is opened. */
  readonly etag: string
  /** Milliseconds since 1970. */
  readonly lastModified: number
}

const ARRAYS = new Set(['Contents'])

/** Reads the body of a failed answer. Undefined when it is none of S3. */
export async function parseS3Error(body: Uint8Array): Promise<S3ErrorAnswer | undefined> {
  const error = childOf(await parse(body), 'Error')
  const code = textOf(error, 'Code')
  // What is shown to people and compared is an identifier, whatever the network sends.
  if (error === undefined || code === undefined || !/^[A-Za-z][A-Za-z0-9.]{0,63}$/.test(code)) return undefined
  const region = textOf(error, 'Region')
  const isRegion = region !== undefined && /^[a-z0-9-]{1,63}$/.test(region)
  return { code, message: printable(textOf(error, 'Message') ?? ''), region: isRegion ? region : undefined }
}

/** Reads a page of a listing. @returns what is wrong with it when it is none */
export async function parseS3List(body: Uint8Array): Promise<S3ListPage | { readonly misfit: string }> {
  const result = childOf(await parse(body, { whole: true }), 'ListBucketResult')
  const truncated = textOf(result, 'IsTruncated')
  if (result === undefined || (truncated !== 'true' && truncated !== 'false'))
    return { misfit: 'is no ListBucketResult' }
  const next = textOf(result, 'NextContinuationToken')
  if (truncated === 'true' && !next) return { misfit: 'goes on, but does not say where' }
  const encoded = textOf(result, 'EncodingType') === 'url'
  const objects: S3ListedObject[] = []
  for (const entry of listOf(result, 'Contents')) {
    const object = objectOf(entry, encoded)
    if (object === undefined) return { misfit: 'has an entry without a usable key, size, ETag or date' }
    objects.push(object)
  }
  return { objects, next: truncated === 'true' ? next : undefined }
}

function objectOf(entry: unknown, encoded: boolean): S3ListedObject | undefined {
  const key = keyOf(textOf(entry, 'Key'), encoded)
  const etag = textOf(entry, 'ETag')
  const size = textOf(entry, 'Size') ?? ''
  const lastModified = Date.parse(textOf(entry, 'LastModified') ?? '')
  const sizeBytes = /^\d{1,16}$/.test(size) ? Number(size) : Number.NaN
  if (!key || etag === undefined || !Number.isSafeInteger(sizeBytes) || Number.isNaN(lastModified)) return undefined
  // Some stores leave the quotes out.
  return { key, sizeBytes, etag: /^(W\/)?"/.test(etag) ? etag : `"${etag}"`, lastModified }
}

/** Encoded keys have `+` for a blank, as forms do. */
function keyOf(text: string | undefined, encoded: boolean): string | undefined {
  if (text === undefined || !encoded) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

async function parse(body: Uint8Array, { whole = false } = {}): Promise<unknown> {
  // Loaded here: most programs and runs read nothing from S3.
  const { XMLParser, XMLValidator } = await import('fast-xml-parser')
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  // No store declares entities of its own.
  if (text.includes('<!DOCTYPE') || (whole && XMLValidator.validate(text) !== true)) return undefined
  const parser = new XMLParser({
    parseTagValue: false,
    trimValues: false,
    htmlEntities: true,
    isArray: name => ARRAYS.has(name),
    processEntities: { enabled: true, maxTotalExpansions: 100_000, maxExpandedLength: body.length },
  })
  try {
    return parser.parse(text)
  } catch {
    return undefined
  }
}

function childOf(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[name] : undefined
}

function textOf(node: unknown, name: string): string | undefined {
  const value = childOf(node, name)
  return typeof value === 'string' ? value : undefined
}

function listOf(node: unknown, name: string): readonly unknown[] {
  const value = childOf(node, name)
  return Array.isArray(value) ? value : []
}

function printable(text: string): string {
  return text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, 200)
}
