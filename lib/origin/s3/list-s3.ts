import type { DamselflyError } from '../../../protocol/errors.ts'
import { readWhole } from '../bounded-body.ts'
import { OriginError } from '../origin-error.ts'
import { presign, withQuery } from './presign.ts'
import { explainS3Failure } from './s3-failure.ts'
import type { S3OriginComponents } from './s3-origin.ts'
import type { S3OriginInit } from './s3-settings.ts'
import { parseS3Prefix, s3HttpUrl } from './s3-url.ts'
import { parseS3List, type S3ListedObject, type S3ListPage } from './s3-xml.ts'

/** How a bucket is listed. */
export interface S3ListOptions {
  /** Objects that are asked for at a time: 1000 by default, which is also the most that stores give. */
  readonly pageSize?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** 1000 keys of 1024 bytes, each three characters when it is encoded, and what else is told of each. */
const PAGE_LIMIT_BYTES = 8 * 1024 * 1024
const PAGE_SIZE = 1_000
const EXPIRES_MS = 15 * 60_000

/**
 * Lists what lies below `s3://bucket/prefix/`, all of it in the order of the store, one page in memory at a time. A `/` is added to a
 * prefix without one, so that `logs` does not find `logs-old/x`. Keys come from the store as they are: whoever makes file names of them
 * has to refuse `..`, and keys that end with `/` are the folders that some tools make.
 * @throws DamselflyError REQUEST_INVALID, CONFIG_INVALID, ORIGIN_UNREACHABLE
 * @throws OriginError UNAUTHORIZED, DENIED, BLOB_UNKNOWN (no such bucket), TOOMANYREQUESTS, ORIGIN_FAILED
 */
export async function* listS3(
  components: S3OriginComponents,
  init: S3OriginInit,
  url: string,
  { pageSize = PAGE_SIZE, signal }: S3ListOptions = {},
): AsyncGenerator<S3ListedObject> {
  const { bucket, key } = parseS3Prefix(url)
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`
  let token: string | undefined
  do {
    signal?.throwIfAborted()
    const page = await readPage(components, init, { bucket, prefix, pageSize, token, signal })
    yield* page.objects
    if (page.next !== undefined && page.next === token) throw failed(bucket, 'begins with the same page again')
    token = page.next
  } while (token !== undefined)
}

interface PageRequest {
  readonly bucket: string
  readonly prefix: string
  readonly pageSize: number
  readonly token: string | undefined
  readonly signal: AbortSignal | undefined
}

async function readPage(
  { http, credentials: find, clock }: S3OriginComponents,
  init: S3OriginInit,
  { bucket, prefix, pageSize, token, signal }: PageRequest,
): Promise<S3ListPage> {
  const { region } = init
  const location = { bucket, key: '' }
  const unsigned = s3HttpUrl(location, init)
  const query = {
    'list-type': '2',
    'encoding-type': 'url',
    'max-keys': String(pageSize),
    ...(prefix === '' ? {} : { prefix }),
    ...(token === undefined ? {} : { 'continuation-token': token }),
  }
  const credentials = await find()
  const url =
    credentials === undefined
      ? withQuery(unsigned, query)
      : await presign(
          { method: 'GET', url: unsigned, query },
          { credentials, region, at: clock.wallTime(), expiresMs: EXPIRES_MS },
        )
  const { host } = new URL(unsigned)
  try {
    const content = await http.open({ url, headers: {} }, { signal })
    try {
      const page = await parseS3List(await readWhole(content.body, PAGE_LIMIT_BYTES))
      if ('misfit' in page) throw failed(host, page.misfit)
      return page
    } finally {
      content.close()
    }
  } catch (error) {
    throw await explainS3Failure(error, {
      location,
      host,
      region,
      signed: credentials !== undefined,
      permission: 's3:ListBucket',
    })
  }
}

function failed(host: string, why: string): DamselflyError {
  return new OriginError('ORIGIN_FAILED', `the listing of ${host} ${why}`)
}
