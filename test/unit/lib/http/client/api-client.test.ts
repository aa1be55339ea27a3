import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { expect, test } from 'vitest'
import { ApiBusy, createApiClient } from '../../../../../lib/http/client/api-client.ts'
import { DamselflyError } from '../../../../../protocol/errors.ts'

const form = Compile(Type.Object({ name: Type.String() }))

/** A program that answers as it is told, and its client. */
async function withProgram<Result>(
  answer: RequestListener,
  use: (client: ReturnType<typeof createApiClient>) => Promise<Result>,
  { deadlineMs = 5_000 } = {},
): Promise<Result> {
  const server = createServer({ keepAlive: false }, answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    return await use(createApiClient({ api, unreachable: 'DAEMON_UNREACHABLE', deadlineMs }))
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

const says =
  (status: number, body: string, headers = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).end(body)

test('an answer of the right form is what a call returns, and nothing for an empty one', async () => {
  const answer = await withProgram(says(200, '{"name":"a"}'), client => client.ask(form, { path: '/' }))
  expect(answer).toEqual({ name: 'a' })
  expect(await withProgram(says(204, ''), client => client.send({ path: '/', method: 'DELETE' }))).toBeUndefined()
})

test('JSON is sent as such, to the path with its query', async () => {
  const echo: RequestListener = async (request, response) => {
    const body = (await request.toArray()).join('')
    response.end(
      JSON.stringify({ name: `${request.method} ${request.url} ${request.headers['content-type']} ${body}` }),
    )
  }
  const answer = await withProgram(echo, client => client.ask(form, { method: 'PUT', path: '/a?b=c', json: { n: 1 } }))
  expect(answer.name).toBe('PUT /a?b=c application/json {"n":1}')
})

test.each([
  ['of another form', says(200, '{"name":1}'), 'its answer is not of the expected form'],
  ['that is no JSON', says(200, 'hello'), 'its answer is not JSON'],
  ['of a stranger', says(502, '<html>'), 'it answered with status 502'],
  ['with an unknown code', says(500, '{"code":"NEW_CODE","message":"x"}'), 'it answered with status 500'],
])('an answer %s is no answer', async (_what, answer, detail) => {
  const asked = withProgram(answer, client => client.ask(form, { path: '/' }))
  await expect(asked).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE', detail })
})

test('a refusal of the program keeps its code', async () => {
  const refusal = says(404, '{"code":"TASK_UNKNOWN","message":"it is gone"}')
  const asked = withProgram(refusal, client => client.send({ path: '/' }))
  await expect(asked).rejects.toMatchObject({ code: 'TASK_UNKNOWN', detail: 'it is gone' })
  await withProgram(refusal, async client => expect((await client.exchange({ path: '/' })).status).toBe(404))
})

test.each([
  ['0.4', 200, 400],
  ['3600', 500, 1_000],
  ['soon', 500, 1_000],
])('a program that is busy and says Retry-After: %s is asked again within a second', async (after, least, most) => {
  const busy = says(429, '{"code":"TOOMANYREQUESTS","message":"too many"}', { 'retry-after': after })
  const error = await withProgram(busy, client => client.send({ path: '/' })).catch(error => error)
  if (!(error instanceof ApiBusy)) throw error
  expect(error.waitMs).toBeGreaterThanOrEqual(least)
  expect(error.waitMs).toBeLessThanOrEqual(most)
})

test('a program that does not answer in time counts as down', async () => {
  const asked = withProgram(
    () => {},
    client => client.send({ path: '/' }),
    { deadlineMs: 30 },
  )
  await expect(asked).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE', detail: 'no answer within 30 ms' })
})

test('what is wrong with a body that is sent is not the fault of the program', async () => {
  async function* body() {
    yield Buffer.from('a')
    throw new DamselflyError('INPUT_FAILED', 'the file cannot be read')
  }
  const asked = withProgram(says(200, ''), client => client.send({ method: 'PUT', path: '/', body: body() }))
  await expect(asked).rejects.toMatchObject({ code: 'INPUT_FAILED' })
})
