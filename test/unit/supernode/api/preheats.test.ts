import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { type ApiDocument, undocumented } from '../../../helpers/api-document.ts'
import { preheatJob, summaryOf } from '../../../helpers/fake-preheats.ts'
import { createPreheatServer, type PreheatServer } from '../../../helpers/preheat-server.ts'
import { waitFor } from '../../../helpers/wait.ts'

const IMAGE = { image: 'harbor.example/library/nginx:1.27' }

let server: PreheatServer
let document: ApiDocument

beforeEach(async () => {
  server = await createPreheatServer()
  document = (await ask('GET', '/openapi.json')).json()
})

afterEach(() => server.http.stop())

/** Asks, and checks that the answer is as the description says. */
async function ask(method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object, role = 'operator') {
  const headers = role === '' ? {} : { authorization: `Bearer dmsl_${role}` }
  const answer = await server.http.app.inject({ method, url, headers, ...(payload && { payload }) })
  const { statusCode: status, body: text } = answer
  const contentType = String(answer.headers['content-type'])
  if (document !== undefined)
    expect(undocumented(document, { method, path: url, status, contentType, text })).toEqual([])
  return answer
}

describe('/v1/preheats', () => {
  test('starts a job, and shows the same for the same', async () => {
    const first = await ask('POST', '/v1/preheats', { ...IMAGE, scope: 'count:3' })
    expect([first.statusCode, first.headers.location]).toEqual([201, '/v1/preheats/1'])
    expect(first.json()).toEqual(summaryOf(preheatJob({ name: IMAGE.image, scope: 'count:3' })))
    const second = await ask('POST', '/v1/preheats', { ...IMAGE, scope: 'count:3' })
    expect([second.statusCode, second.json().id]).toEqual([200, 1])
    expect((await ask('POST', '/v1/preheats', IMAGE)).json().id).toBe(2)
    expect(server.preheats.requests[0]).toEqual({ ...IMAGE, scope: 'count:3' })
  })

  test('lists jobs, and shows and ends one', async () => {
    await ask('POST', '/v1/preheats', IMAGE)
    await ask('POST', '/v1/preheats', { files: ['https://f.example/model'] })
    expect((await ask('GET', '/v1/preheats')).json()).toMatchObject([{ id: 2 }, { id: 1 }])
    expect((await ask('GET', '/v1/preheats/1')).json()).toMatchObject({ id: 1, contentList: [] })
    expect((await ask('DELETE', '/v1/preheats/1')).statusCode).toBe(204)
    expect((await ask('GET', '/v1/preheats/1')).json()).toMatchObject({ state: 'cancelled' })
  })

  test('is not among the paths with a version of v1 in front', async () => {
    expect((await ask('GET', '/v1/preheats')).json()).toEqual([])
    await ask('POST', '/v1/preheats', IMAGE)
    expect((await ask('GET', '/v1/preheats/1')).json()).toMatchObject({ id: 1, state: 'pending' })
    expect((await ask('GET', '/v1.0.6/preheats/1')).json()).toMatchObject({ ID: '1', status: 'WAITING' })
  })

  test('ends no job that is over', async () => {
    await ask('POST', '/v1/preheats', IMAGE)
    await ask('DELETE', '/v1/preheats/1')
    expect((await ask('DELETE', '/v1/preheats/1')).json()).toEqual({
      code: 'PREHEAT_UNKNOWN',
      message: 'no such preheat job: it is over, or there was none',
    })
  })

  test.for(['7', '0', '-1', '1.0', 'x', '1e0', '99999999999999999', '%2e'])('knows no job %s', async id => {
    await ask('POST', '/v1/preheats', IMAGE)
    for (const answer of [
      await ask('GET', `/v1/preheats/${id}`),
      await ask('DELETE', `/v1/preheats/${id}`),
      await ask('GET', `/v1/preheats/${id}/events`),
    ]) {
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'PREHEAT_UNKNOWN'])
    }
  })

  test.for<[object, string]>([
    [{}, 'a job is for either "image" or "files"'],
    [{ ...IMAGE, files: ['https://f.example/x'] }, 'a job is for either "image" or "files"'],
    [{ files: [] }, 'body/files must not have fewer than 1 items'],
    [{ files: ['ftp://f.example/x'] }, 'body/files/0 must match pattern'],
    [{ ...IMAGE, platforms: ['amd64'] }, 'body/platforms/0 must match pattern'],
    [{ ...IMAGE, deadlineSeconds: 0 }, 'body/deadlineSeconds must be >= 1'],
    [{ ...IMAGE, headers: { authorization: 7 } }, 'body/headers/authorization must be string'],
    [{ ...IMAGE, nodes: ['n1'] }, 'body/nodes is not known, only image, files, identity, scope'],
  ])('refuses %j', async ([body, message]) => {
    const answer = await ask('POST', '/v1/preheats', body)
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      { code: 'REQUEST_INVALID', message: expect.stringContaining(message) },
    ])
    expect(server.preheats.requests).toEqual([])
  })

  test('refuses what is longer than a job can be', async () => {
    const answer = await ask('POST', '/v1/preheats', { ...IMAGE, scope: 'x'.repeat(1024 * 1024) })
    expect([answer.statusCode, answer.json().code]).toEqual([413, 'BODY_TOO_LARGE'])
  })

  test('says what a job cannot be started for', async () => {
    server.preheats.failFor(IMAGE.image, new DamselflyError('TOOMANYREQUESTS', '100 jobs are under way'))
    const answer = await ask('POST', '/v1/preheats', IMAGE)
    expect([answer.statusCode, answer.json().message]).toEqual([429, 'too many requests: 100 jobs are under way'])
  })

  test('is seen by viewers, and changed by operators', async () => {
    await ask('POST', '/v1/preheats', IMAGE)
    for (const [method, url, status] of [
      ['GET', '/v1/preheats', 200],
      ['GET', '/v1/preheats/1', 200],
      ['POST', '/v1/preheats', 403],
      ['DELETE', '/v1/preheats/1', 403],
    ] as const) {
      expect((await ask(method, url, undefined, 'viewer')).statusCode).toBe(status)
      expect((await ask(method, url, undefined, '')).statusCode).toBe(401)
    }
    expect((await ask('GET', '/v1/preheats/1/events', undefined, '')).statusCode).toBe(401)
  })
})

/** A stream of events of job 1 over a real connection. */
async function openEvents(headers: Record<string, string> = {}) {
  await server.http.start()
  const asked = httpRequest(`${server.http.url()}/v1/preheats/1/events`, {
    headers: { authorization: 'Bearer dmsl_viewer', ...headers },
  })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  const ended = new Promise(resolve => response.once('close', resolve))
  response.on('error', () => {})
  response.on('data', chunk => {
    text += chunk
  })
  const until = (part: string) => waitFor(() => text.includes(part), { timeoutMs: 5_000, what: part })
  return { response, until, text: () => text, ended, hangUp: () => response.destroy() }
}

describe('/v1/preheats/{id}/events', () => {
  beforeEach(() => ask('POST', '/v1/preheats', IMAGE))

  test('tells how a job is and goes on, and ends with it', async () => {
    const events = await openEvents()
    await events.until('id: 1\n')
    server.preheats.change({ state: 'running' })
    await events.until('id: 2\n')
    server.preheats.change({ state: 'succeeded', endedAt: server.clock.wallTime() })
    await events.ended
    expect(events.response.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
    const told = events.text().split('\n\n').filter(Boolean)
    const form = /^id: (?<id>\w+)\nevent: preheat\ndata: (?<data>[^\n]+)$/
    const parts = told.map(event => form.exec(event)?.groups ?? {})
    expect(parts.map(({ id, data = '' }) => [id, JSON.parse(data).state])).toEqual([
      ['1', 'pending'],
      ['2', 'running'],
      ['end', 'succeeded'],
    ])
    expect(JSON.parse(parts[2]?.data ?? '')).toEqual(server.preheats.get(1))
  })

  test('says every 15 s that it is alive', async () => {
    const events = await openEvents()
    await events.until('id: 1\n')
    server.clock.advance(14_999)
    server.preheats.change({ state: 'running' })
    await events.until('id: 2\n')
    expect(events.text()).not.toContain(': keep-alive')
    server.clock.advance(1)
    await events.until('\n\n: keep-alive\n\n')
    events.hangUp()
  })

  test('ends when the client goes', async () => {
    const events = await openEvents()
    await events.until('id: 1\n')
    expect(server.preheats.watching()).toBe(1)
    events.hangUp()
    await waitFor(() => server.preheats.watching() === 0, { timeoutMs: 5_000, what: 'the end of the stream' })
    expect(server.log.text()).toBe('')
  })

  test('shows a job that is over once, and has nothing for whoever has seen that', async () => {
    server.preheats.change({ state: 'failed', endedAt: server.clock.wallTime() })
    const events = await openEvents()
    await events.ended
    expect(events.text()).toMatch(/^id: end\nevent: preheat\ndata: \{.*\}\n\n$/)
    const headers = { authorization: 'Bearer dmsl_viewer', 'last-event-id': 'end' }
    const again = await server.http.app.inject({ url: '/v1/preheats/1/events', headers })
    expect([again.statusCode, again.body]).toEqual([204, ''])
  })

  test('breaks off, and it is logged, when a job cannot be watched any more', async () => {
    const trouble = Promise.withResolvers<never>()
    server.preheats.watch = async function* () {
      yield preheatJob()
      await trouble.promise
    }
    const events = await openEvents()
    await events.until('id: 1\n')
    trouble.reject(new DamselflyError('INTERNAL'))
    await events.ended
    expect(events.response.complete).toBe(false)
    expect(server.log.text()).toContain('the events of a preheat job broke off')
  })
})
