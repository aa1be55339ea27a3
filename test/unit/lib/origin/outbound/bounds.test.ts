import { once } from 'node:events'
import type { Dispatcher } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import type { UpstreamFetcherInit } from '../../../../../lib/origin/http-fetch.ts'
import { boundedResponses } from '../../../../../lib/origin/outbound/bounded-responses.ts'
import { createManualClock } from '../../../../helpers/manual-clock.ts'
import { readAll } from '../../../../helpers/origin-content.ts'
import { createOriginFixture } from '../../../../helpers/origin-fixture.ts'
import { trialPolicy } from '../../../../helpers/outbound.ts'
import { waitFor } from '../../../../helpers/wait.ts'

const fixture = createOriginFixture()
afterEach(() => fixture.close())

const sourceOf = (url: string) => ({ url, headers: {} })
const bounded = (written: Parameters<typeof trialPolicy>[0]): UpstreamFetcherInit => ({
  outbound: trialPolicy(written),
})

describe('size', () => {
  const small = bounded({ maxBytes: 1000 })

  test.each([
    ['announced', 200, { 'content-length': '1001' }, {}],
    ['announced by a part of it', 206, { 'content-length': '10', 'content-range': 'bytes 0-9/1001' }, { end: 10 }],
  ])('too large content is not read: %s', async (_, status, headers, options) => {
    const server = await fixture.server((_request, response) => response.writeHead(status, headers).write('0123456789'))
    await expect(fixture.origin(small).open(sourceOf(server.url), options)).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      originStatus: status,
      detail: expect.stringContaining('more than the 1000 bytes of outbound.maxBytes'),
    })
  })

  test('content that never ends is cut off', async () => {
    const server = await fixture.server(async (_, response) => {
      response.on('error', () => {})
      while (!response.destroyed) if (!response.write(Buffer.alloc(500))) await once(response, 'drain').catch(() => {})
    })
    const { body } = await fixture.origin(small).open(sourceOf(server.url))
    await expect(readAll(body)).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: expect.stringContaining('outbound.maxBytes'),
    })
  })

  test('content of just that size is read', async () => {
    const server = await fixture.server((_, response) => response.end(Buffer.alloc(1000)))
    const { body } = await fixture.origin(small).open(sourceOf(server.url))
    expect(await readAll(body)).toHaveLength(1000)
  })
})

describe('headers', () => {
  test.each([
    ['many', Array.from({ length: 201 }, (_, index) => [`x-${index}`, '1'])],
    ['many of one name', Array.from({ length: 201 }, () => ['x-same', '1'])],
    ['long', [['x-long', 'x'.repeat(40_000)]]],
  ])('too %s are refused', async (_, headers) => {
    const server = await fixture.server((_request, response) => response.writeHead(200, headers.flat()).end('abc'))
    const opening = fixture.origin(bounded({})).open(sourceOf(server.url))
    await expect(opening).rejects.toMatchObject({ code: 'ORIGIN_FAILED', detail: expect.stringContaining('headers') })
  })

  test('that never come are not waited for, whatever comes before them', async () => {
    const clock = createManualClock()
    const server = await fixture.server((_, response) => response.writeProcessing())
    const opening = fixture.origin(bounded({}), { clock }).open(sourceOf(server.url))
    const outcome = expect(opening).rejects.toMatchObject({
      code: 'ORIGIN_UNREACHABLE',
      detail: expect.stringContaining('no response in time'),
    })
    await waitFor(async () => server.requests.length === 1, { timeoutMs: 5_000 })
    clock.advance(30_000)
    await outcome
  })
})

describe('rate', () => {
  test('a server that sends a byte now and then is given up', async () => {
    const clock = createManualClock()
    const server = await fixture.server((_, response) => void response.writeHead(200).write('a'))
    const { body } = await fixture.origin(bounded({}), { clock }).open(sourceOf(server.url))
    const reading = body[Symbol.asyncIterator]()
    expect((await reading.next()).done).toBe(false)
    const next = reading.next()
    const outcome = expect(next).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: expect.stringMatching(/sent 1 bytes in 30 s, less than outbound.leastBytesPerSecond wants at byte 1/),
    })
    for (let looks = 0; looks < 6; looks++) clock.advance(5_000)
    await outcome
    await waitFor(async () => server.sockets.size === 0, { timeoutMs: 5_000 })
  })

  /** A response of which a test says what comes, and whether its reader has enough. */
  function startResponse(leastBytesPerSecond = 1024) {
    const clock = createManualClock()
    const state = { paused: false, aborted: undefined as Error | undefined }
    const controller = {
      get paused() {
        return state.paused
      },
      get aborted() {
        return state.aborted !== undefined
      },
      reason: null,
      abort(reason: Error) {
        state.aborted = reason
      },
      pause() {},
      resume() {},
    }
    const bounds = { headersTimeoutMs: 30_000, maxBytes: 1e9, leastBytesPerSecond }
    let handler: Dispatcher.DispatchHandler = {}
    boundedResponses(
      clock,
      bounds,
    )((_, given) => {
      handler = given
      return true
    })({ path: '/', method: 'GET' }, {})
    handler.onRequestStart?.(controller, {})
    handler.onResponseStart?.(controller, 200, {})
    return {
      state,
      clock,
      send: (bytes: number) => handler.onResponseData?.(controller, Buffer.alloc(bytes)),
      end: () => handler.onResponseEnd?.(controller, {}),
    }
  }

  test('a server that sends enough goes on', () => {
    const { state, clock, send } = startResponse()
    for (let window = 0; window < 5; window++) {
      send(30 * 1024)
      clock.advance(30_000)
    }
    expect(state.aborted).toBeUndefined()
    send(30 * 1024 - 1)
    clock.advance(30_000)
    expect(state.aborted).toMatchObject({ bound: 'rate' })
  })

  test('a reader that takes its time is not blamed on the server', () => {
    const { state, clock, send } = startResponse()
    send(64 * 1024)
    state.paused = true
    clock.advance(600_000)
    // It reads what it has, and has enough again.
    state.paused = false
    clock.advance(20_000)
    state.paused = true
    clock.advance(60_000)
    expect(state.aborted).toBeUndefined()
    state.paused = false
    clock.advance(29_999)
    expect(state.aborted).toBeUndefined()
    clock.advance(1)
    expect(state.aborted).toMatchObject({ bound: 'rate' })
  })

  test('what has ended is not looked at, nor is anything where there is no bound', () => {
    const ended = startResponse()
    ended.end()
    const unbounded = startResponse(0)
    for (const { state, clock } of [ended, unbounded]) {
      clock.advance(600_000)
      expect(state.aborted).toBeUndefined()
    }
  })
})
