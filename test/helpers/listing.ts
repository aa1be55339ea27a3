import { onTestFinished } from 'vitest'
import type { FoundFile } from '../../dfget/sources/found-file.ts'
import { silentLogger } from '../../lib/logger.ts'
import { createUpstreamFetcher, type UpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import { startHttpServer, type TestHandler, type TestHttpServer } from './http-server.ts'
import { trialPolicy } from './outbound.ts'

/** A fetcher for the running test only. */
export function fetcherForTest(): UpstreamFetcher {
  const fetcher = createUpstreamFetcher({ logger: silentLogger() }, { outbound: trialPolicy() })
  onTestFinished(() => fetcher.stop())
  return fetcher
}

/** An answer of a site: a page in HTML, or what is to be done instead. */
export type SiteAnswer = string | TestHandler

/** Serves pages by path, for the running test only; other paths answer 404. */
export async function startSite(answers: Readonly<Record<string, SiteAnswer>>): Promise<TestHttpServer> {
  const server = await startHttpServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined
    if (typeof answer === 'function') return answer(request, response)
    if (answer === undefined) return response.writeHead(404).end('nothing here')
    return response.writeHead(200, { 'content-type': 'text/html' }).end(answer)
  })
  onTestFinished(() => server.close())
  return server
}

/** A page with these links, as a server might write it. */
export function indexPage(...hrefs: readonly string[]): string {
  return `<html><body><a href="../">..</a>${hrefs.map(href => `\n<a href="${href}">x</a>`).join('')}</body></html>`
}

/** An answer with a redirect. */
export function redirectTo(location: string, status = 302): TestHandler {
  return (_, response) => response.writeHead(status, { location }).end()
}

/** All that a listing finds. */
export async function allOf(listing: AsyncIterable<FoundFile>): Promise<FoundFile[]> {
  const files: FoundFile[] = []
  for await (const file of listing) files.push(file)
  return files
}

/** The paths of all that a listing finds, in its order. */
export async function pathsOf(listing: AsyncIterable<FoundFile>): Promise<string[]> {
  return (await allOf(listing)).map(({ path }) => path)
}
