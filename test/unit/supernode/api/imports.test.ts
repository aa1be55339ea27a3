import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHttpServer, type HttpServer } from '../../../../lib/http/api-server.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { SUPERNODE_API } from '../../../../supernode/api/description.ts'
import { addImportRoutes } from '../../../../supernode/api/imports.ts'
import type { ShownTask } from '../../../../supernode/api/task-views.ts'

const DIGEST = digestOf(Buffer.from('text'))

let server: HttpServer

beforeEach(async () => {
  server = await createHttpServer({
    listen: '127.0.0.1:0',
    bodyLimitBytes: 20,
    logger: silentLogger(),
    api: SUPERNODE_API,
  })
})

afterEach(() => server.stop())

function addRoutes(from: 'anywhere' | 'machine'): Buffer[] {
  const taken: Buffer[] = []
  addImportRoutes(server.app, {
    from,
    imports: {
      async take({ body }) {
        taken.push(await buffer(body))
        return false
      },
      async wantReplicas() {},
    },
    views: { list: async () => [], show: async () => ({}) as ShownTask },
  })
  return taken
}

test.each([
  ['anywhere', '10.0.0.1', 200],
  ['machine', '10.0.0.1', 403],
  ['machine', '127.0.0.1', 200],
  ['machine', '::1', 200],
] as const)(
  'imports from %s: replicas are asked for from %s, and the answer is %d',
  async (from, remoteAddress, status) => {
    addRoutes(from)
    const answer = await server.app.inject({
      method: 'PUT',
      url: `/api/v1/tasks/${DIGEST}/replicas`,
      remoteAddress,
      payload: { wanted: 1 },
    })
    expect(answer.statusCode).toBe(status)
  },
)

test('nobody imports from elsewhere where only the machine itself may', async () => {
  const taken = addRoutes('machine')
  const url = `/api/v1/tasks/${DIGEST}`
  const answer = await server.app.inject({ method: 'PUT', url, remoteAddress: '10.0.0.1', payload: 'text' })
  expect([answer.json(), taken]).toMatchObject([
    { code: 'DENIED', message: expect.stringContaining('content is imported only') },
    [],
  ])
})

test.each(['application/octet-stream', 'application/json', 'text/plain', undefined])(
  'a body of any length is taken as it is, whether it is called %s',
  async type => {
    const taken = addRoutes('anywhere')
    await server.start()
    const answer = await fetch(`${server.url()}/api/v1/tasks/${DIGEST}`, {
      method: 'PUT',
      body: Buffer.from('longer than other routes allow'),
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    })
    expect([answer.status, taken.map(String)]).toEqual([201, ['longer than other routes allow']])
  },
)

test.each(['?replicas=-1', '?replicas=1001', '?replicas=x', '?copies=2'])('the query %s is refused', async query => {
  addRoutes('anywhere')
  const url = `/api/v1/tasks/${DIGEST}${query}`
  expect((await server.app.inject({ method: 'PUT', url, payload: 'text' })).json()).toMatchObject({
    code: 'REQUEST_INVALID',
  })
})
