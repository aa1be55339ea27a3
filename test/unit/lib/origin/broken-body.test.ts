import { Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { patternBytes, readAll } from '../../../helpers/origin-content.ts'
import { createOriginFixture } from '../../../helpers/origin-fixture.ts'
import { waitFor } from '../../../helpers/wait.ts'

const fixture = createOriginFixture()
afterEach(fixture.close)

const content = patternBytes(100_000)

describe('a body that breaks', () => {
  it.each(['end', 'resetAndDestroy'] as const)('says at which byte the origin closed early (%s)', async how => {
    const server = await fixture.server((_, response) => {
      response.writeHead(206, { 'content-length': 90_000, 'content-range': 'bytes 10000-99999/100000' })
      response.write(content.subarray(10_000, 40_000), () => response.socket?.[how]())
    })
    const opened = await fixture.origin().open({ url: server.url, headers: {} }, { start: 10_000 })
    const chunks: Uint8Array[] = []
    const reading = async (): Promise<void> => {
      for await (const chunk of opened.body) chunks.push(chunk)
    }
    await expect(reading()).rejects.toThrow(/closed early/)
    const got = Buffer.concat(chunks)
    expect(got).toEqual(content.subarray(10_000, 10_000 + got.length))
    expect(got.length).toBeLessThanOrEqual(30_000)
  })

  it('counts the bytes it got from an origin that ends in order', async () => {
    const server = await fixture.server((_, response) => {
      response.writeHead(200, { 'content-length': 100_000 })
      response.write(content.subarray(0, 40_000))
    })
    const opened = await fixture.origin().open({ url: server.url, headers: {} })
    let received = 0
    const reading = async (): Promise<void> => {
      for await (const chunk of opened.body) {
        received += chunk.length
        if (received === 40_000) for (const socket of server.sockets) socket.end()
      }
    }
    await expect(reading()).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      retryable: true,
      detail: expect.stringContaining('at byte 40000 of 100000'),
    })
  })

  it('notices a chunked body that is cut', async () => {
    const server = await fixture.server((_, response) => {
      response.write(content, () => response.socket?.end())
    })
    const opened = await fixture.origin().open({ url: server.url, headers: {} })
    await expect(readAll(opened.body)).rejects.toMatchObject({ code: 'ORIGIN_FAILED' })
  })

  it('ends a partial answer that is shorter than asked like one that was cut', async () => {
    const server = await fixture.server((_, response) => {
      response
        .writeHead(206, { 'content-range': 'bytes 10-19/100', 'content-length': 10 })
        .end(content.subarray(10, 20))
    })
    const opened = await fixture.origin().open({ url: server.url, headers: {} }, { start: 10 })
    await expect(readAll(opened.body)).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: expect.stringContaining('at byte 20 of 100'),
    })
  })

  it('notices a body that is longer than announced', async () => {
    const server = await fixture.server((_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 10-19/100' }).end(content.subarray(10, 40))
    })
    const opened = await fixture.origin().open({ url: server.url, headers: {} }, { start: 10, end: 20 })
    await expect(readAll(opened.body)).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: expect.stringContaining('more than the 10 bytes'),
    })
  })

  it('hands out no more than Content-Length even if the origin goes on', async () => {
    const server = await fixture.server((_, response) => {
      const head = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'
      response.socket?.write(Buffer.concat([Buffer.from(head), content.subarray(0, 2_000)]))
    })
    const opened = await fixture.origin().open({ url: server.url, headers: {} })
    const got = await readAll(opened.body).catch(error => error)
    if (Buffer.isBuffer(got)) expect(got).toEqual(content.subarray(0, 1_000))
    else expect(got).toMatchObject({ code: 'ORIGIN_FAILED' })
  })

  it('gives up on a body that stalls', async () => {
    const server = await fixture.server((_, response) => {
      response.writeHead(200, { 'content-length': 1_000 })
      response.write('abc')
    })
    const opened = await fixture.origin({ bodyIdleTimeoutMs: 100 }).open({ url: server.url, headers: {} })
    await expect(readAll(opened.body)).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: expect.stringContaining('nothing sent in time'),
    })
  })

  it('ends with the reason of the signal and frees the connection', async () => {
    const server = await fixture.server((_, response) => {
      response.writeHead(200, { 'content-length': 1_000 })
      response.write('abc')
    })
    const abort = new AbortController()
    const opened = await fixture.origin().open({ url: server.url, headers: {} }, { signal: abort.signal })
    const reading = readAll(opened.body)
    abort.abort(new Error('the reader left'))
    await expect(reading).rejects.toThrow('the reader left')
    await waitFor(() => server.sockets.size === 0, { timeoutMs: 5_000, what: 'the connection to close' })
  })

  it('frees the connection when it is closed, before and while it is read', async () => {
    const server = await fixture.server((_, response) => {
      response.writeHead(200, { 'content-length': 1_000 })
      response.write('abc')
    })
    const origin = fixture.origin()
    const unread = await origin.open({ url: server.url, headers: {} })
    unread.close()
    unread.close()
    await expect(readAll(unread.body)).rejects.toMatchObject({ name: 'AbortError' })
    const read = await origin.open({ url: server.url, headers: {} })
    const reading = readAll(read.body)
    read.close()
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
    const left = await origin.open({ url: server.url, headers: {} })
    for await (const chunk of left.body) if (chunk.length > 0) break
    await waitFor(() => server.sockets.size === 0, { timeoutMs: 5_000, what: 'the connections to close' })
  })

  it.each([0, 60 * 1024 * 1024])('does not read ahead of a slow reader, skipping %i bytes', async start => {
    const piece = Buffer.alloc(64 * 1024)
    const pieces = 2_048
    const taken: number[] = []
    const server = await fixture.server((_, response) => {
      const index = taken.push(0) - 1
      response.writeHead(200, { 'content-length': pieces * piece.length })
      const generate = function* (): Generator<Buffer> {
        for (let count = 1; count <= pieces; count++) {
          taken[index] = count * piece.length
          yield piece
        }
      }
      Readable.from(generate(), { objectMode: false }).pipe(response)
    })
    const origin = fixture.origin()
    const slow = await origin.open({ url: server.url, headers: {} }, { start })
    const reader = slow.body[Symbol.asyncIterator]()
    expect((await reader.next()).done).toBe(false)
    // A complete read of the same content is the time in which the slow one could have been filled.
    const other = await origin.open({ url: server.url, headers: {} })
    for await (const chunk of other.body) if (chunk.length === 0) throw new Error('empty chunk')
    expect(taken[1]).toBe(pieces * piece.length)
    expect(taken[0]).toBeLessThan(start + 32 * 1024 * 1024)
    slow.close()
  })
})
