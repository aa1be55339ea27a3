import type { Readable } from 'node:stream'
import { accepting } from '../../../lib/origin/accepting.ts'
import { connectionError } from '../../../lib/origin/connection-error.ts'
import { isEncoded } from '../../../lib/origin/content-plan.ts'
import type { UpstreamFetcher, UpstreamResponse } from '../../../lib/origin/http-fetch.ts'
import { redactUrl } from '../../../lib/origin/http-url.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { OriginError } from '../../../lib/origin/origin-error.ts'
import { failureOf, unusable } from '../../../lib/origin/origin-failure.ts'
import { printable } from '../../../lib/terminal/format.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { readHtmlIndex } from './html-index.ts'
import type { IndexContent } from './index-content.ts'
import { readJsonIndex } from './json-index.ts'

/** The index page of a directory. */
export interface IndexPage extends IndexContent {
  /** After redirects. */
  readonly url: URL
}

/** How a page is asked for. */
export interface IndexRequest {
  /** Where redirects may lead; a page elsewhere is undefined. */
  readonly redirect: 'follow' | 'same-origin'
  readonly limitBytes: number
  readonly signal: AbortSignal
}

const ACCEPT = 'text/html, application/xhtml+xml, application/json;q=0.9'
const TRIES = 2

/**
 * Reads the index page of a directory, a second time where the connection broke in the middle of it.
 * @returns undefined for a redirect that leads where it may not
 * @throws OriginError what the server answered; ORIGIN_FAILED for an index that cannot be read or is larger than `limitBytes`
 * @throws DamselflyError REQUEST_INVALID for what is no index page, ORIGIN_UNREACHABLE; the signal's reason
 */
export async function readIndexPage(
  fetcher: UpstreamFetcher,
  source: Source,
  request: IndexRequest,
): Promise<IndexPage | undefined> {
  for (let tries = 1; ; tries++) {
    const response = await ask(fetcher, source, request)
    if (response === undefined) return undefined
    const url = new URL(response.url)
    try {
      return { url, ...(await readContent(response, request.limitBytes)) }
    } catch (error) {
      request.signal.throwIfAborted()
      if (error instanceof DamselflyError) throw error
      if (tries === TRIES) throw connectionError(url, error)
    } finally {
      response.body.destroy()
    }
  }
}

async function ask(
  fetcher: UpstreamFetcher,
  { url, headers, credentials }: Source,
  { redirect, signal }: IndexRequest,
): Promise<UpstreamResponse | undefined> {
  const response = await fetcher.fetch({
    url,
    method: 'GET',
    headers: accepting(ACCEPT, headers),
    credentials,
    redirect,
    signal,
  })
  if (response.status === 200) return response
  if (redirect === 'same-origin' && response.status >= 300 && response.status < 400) {
    response.body.destroy()
    return undefined
  }
  const failure = await failureOf(redactUrl(url), response)
  signal.throwIfAborted()
  throw failure
}

async function readContent(response: UpstreamResponse, limitBytes: number): Promise<IndexContent> {
  const { headers, url } = response
  const place = redactUrl(url)
  if (isEncoded(headers)) {
    throw unusable(place, response, 'with a Content-Encoding, which was not asked for')
  }
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const body = bounded(response.body, limitBytes, place)
  switch (type.trim()) {
    case 'text/html':
    case 'application/xhtml+xml':
      return readHtmlIndex(body, charsetOf(parameters))
    case 'application/json':
      return readJsonIndex(body, place)
    default: {
      const what = type.trim() === '' ? 'something without a type' : printable(type.trim().slice(0, 100))
      const needed = 'which --recursive needs: HTML with links, or the JSON of nginx'
      throw new DamselflyError('REQUEST_INVALID', `${place} is ${what} and no index page of a directory, ${needed}`)
    }
  }
}

async function* bounded(body: Readable, limitBytes: number, place: string): AsyncGenerator<Uint8Array> {
  let length = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > limitBytes) {
      throw new OriginError('ORIGIN_FAILED', `the index page ${place} has over ${limitBytes} bytes`)
    }
    yield chunk
  }
}

function charsetOf(parameters: readonly string[]): string | undefined {
  return parameters.map(text => /^\s*charset\s*=\s*"?([^"\s]+)/.exec(text)?.[1]).find(found => found !== undefined)
}
