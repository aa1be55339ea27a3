import { expect, test } from 'vitest'
import { silentLogger } from '../../../../lib/logger.ts'
import { createUpstreamFetcher } from '../../../../lib/origin/http-fetch.ts'
import { secondTryAfterMs } from '../../../../lib/origin/second-try.ts'
import { startHttpServer, type TestHttpServer } from '../../../helpers/http-server.ts'
import { trialPolicy } from '../../../helpers/outbound.ts'

test.each([
  [500, undefined, 200],
  [502, undefined, 200],
  [503, undefined, 200],
  [504, undefined, 200],
  [503, '1', 1_000],
  [503, '3', undefined],
  [503, 'Fri, 31 Dec 1999 23:59:59 GMT', undefined],
  [429, '0', 0],
  [429, '2', 2_000],
  [429, '7', undefined],
  [429, undefined, undefined],
  [501, undefined, undefined],
  [404, '1', undefined],
  [200, '1', undefined],
])('an answer %i with Retry-After %s is asked for again after %s ms', (status, wished, expected) => {
  const headers = wished === undefined ? {} : { 'retry-after': wished }
  expect(secondTryAfterMs({ status, headers })).toBe(expected)
})

/** Fails as often as it is told, then answers well. */
function failing(times: number): Promise<TestHttpServer> {
  let left = times
  return startHttpServer((_request, response) => void response.writeHead(left-- > 0 ? 500 : 200).end('answer'))
}

test.each([
  [1, 200],
  [2, 500],
])('of an origin that fails %i times the answer is %i, to the second request', async (times, expected) => {
  const server = await failing(times)
  const fetcher = createUpstreamFetcher({ logger: silentLogger() }, { outbound: trialPolicy() })
  const response = await fetcher.fetch({ url: `${server.url}/v2/a/manifests/v1`, method: 'GET', headers: {} })
  response.body.resume()
  expect([response.status, server.requests.length]).toEqual([expected, 2])
  await fetcher.stop()
  await server.close()
})

test('a caller that hangs up is not waited for', async () => {
  const gone = new AbortController()
  const server = await startHttpServer((_request, response) => {
    response.writeHead(503, { 'retry-after': '2' }).end()
    setImmediate(() => gone.abort(new Error('gone')))
  })
  const fetcher = createUpstreamFetcher({ logger: silentLogger() }, { outbound: trialPolicy() })
  const asked = fetcher.fetch({ url: `${server.url}/x`, method: 'GET', headers: {}, signal: gone.signal })
  await expect(asked).rejects.toThrow('gone')
  expect(server.requests).toHaveLength(1)
  await fetcher.stop()
  await server.close()
})
