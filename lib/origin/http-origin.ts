import { DamselflyError } from '../../protocol/errors.ts'
import { formatRange } from '../../protocol/range.ts'
import { checkAccess } from './check-access.ts'
import { readContent } from './content-body.ts'
import { contradicts, planContent, validatorOf } from './content-plan.ts'
import type { UpstreamFetcher, UpstreamResponse } from './http-fetch.ts'
import type { OpenOptions, Origin, OriginContent, Source } from './origin.ts'
import { OriginError } from './origin-error.ts'
import { failureOf, unusable } from './origin-failure.ts'
import { contentRequestHeaders, type HeaderRecord } from './request-headers.ts'

/** Reads content over HTTP. */
export function createHttpOrigin({ fetcher }: { readonly fetcher: UpstreamFetcher }): Origin {
  return {
    open: (source, options = {}) => openContent(fetcher, source, options),
    check: (source, options = {}) => checkAccess(fetcher, source, options.signal),
  }
}

async function openContent(fetcher: UpstreamFetcher, source: Source, options: OpenOptions): Promise<OriginContent> {
  const { start = 0, end, validator, signal } = options
  if (end !== undefined && end <= start) throw new DamselflyError('RANGE_INVALID', `no bytes from ${start} to ${end}`)
  const ranged = start > 0 || end !== undefined
  const headers = contentRequestHeaders(source.headers, ranged ? formatRange(start, end) : undefined, validator)

  const { url, credentials } = source
  const response = await fetcher.fetch({ url, method: 'GET', headers, credentials, signal })
  const { status } = response
  const { host } = new URL(url)
  if (status !== 200 && !(status === 206 && ranged)) {
    const failure = await failureOf(host, response)
    signal?.throwIfAborted()
    throw failure
  }
  if (validator !== undefined && contradicts(response.headers, validator)) {
    throw unusable(host, response, 'with other content than before')
  }
  const plan = planContent(status, await headersWithLength(fetcher, source, response, signal), { start, end })
  if ('misfit' in plan) throw unusable(host, response, plan.misfit)
  if ('outside' in plan) {
    response.body.destroy()
    throw new OriginError('RANGE_INVALID', `the content has ${plan.outside} bytes`, { originStatus: status })
  }

  let closed = false
  return {
    sizeBytes: plan.sizeBytes,
    start,
    validator: validatorOf(response.headers),
    contentType: response.headers['content-type'],
    body: readContent(response.body, plan, { host, signal, isClosed: () => closed }),
    close() {
      closed = true
      response.body.destroy()
    },
  }
}

/**
 * A body without a length may end early and look whole. Of content under a digest, which does not change, the server may tell
 * the length to whoever asks for that alone.
 */
async function headersWithLength(
  fetcher: UpstreamFetcher,
  source: Source,
  { status, headers }: UpstreamResponse,
  signal: AbortSignal | undefined,
): Promise<HeaderRecord> {
  if (status !== 200 || source.digest === undefined || headers['content-length'] !== undefined) return headers
  const told = await checkAccess(fetcher, source, signal).catch(() => undefined)
  return told?.sizeBytes === undefined ? headers : { ...headers, 'content-length': String(told.sizeBytes) }
}
