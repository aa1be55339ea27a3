import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHttpServer, type HttpServer } from '../../../../lib/http/api-server.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { SUPERNODE_API } from '../../../../supernode/api/description.ts'
import { addImportRoutes } from '../../../../supernode/api/imports.ts'
import type { ShownTask } from '../../../../supernode/api/task-views.ts'
import { claimedRole, testAccess } from '../../../helpers/api-access.ts'

const OPERATOR = { 'x-role': 'operator' }
const DIGEST = digestOf(Buffer.from('text'))

let server: HttpServer

beforeEach(async () => {
  server = await createHttpServer({
    listen: '127.0.0.1:0',
    bodyLimitBytes: 20,
    logger: silentLogger(),
    api: SUPERNODE_API,
    access: testAccess([claimedRole]),
  })
})

afterEach(() => server.stop())

function addRoutes(): Buffer[] {
  const taken: Buffer[] = []
  addImportRoutes(server.app, {
    blocklist: { checkTask() {} },
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
  ['operator', 200],
  ['viewer', 403],
  ['node', 403],
  ['local', 403],
  [undefined, 401],
] as const)('replicas are asked for by %s, and the answer is %d', async (role, status) => {
  addRoutes()
  const answer = await server.app.inject({
    method: 'PUT',
    url: `/api/v1/tasks/${DIGEST}/replicas`,
    headers: role === undefined ? {} : { 'x-role': role },
    payload: { wanted: 1 },
  })
  expect(answer.statusCode).toBe(status)
})

test('only operators import, and nothing of the body is read before', async () => {
  const taken = addRoutes()
  const url = `/api/v1/tasks/${DIGEST}`
  const answer = await server.app.inject({ method: 'PUT', url, headers: { 'x-role': 'viewer' }, payload: 'text' })
  expect([answer.json(), taken]).toMatchObject([{ code: 'DENIED' }, []])
})

test.each(['application/octet-stream', 'application/json', 'text/plain', undefined])(
  'a body of any length is taken as it is, whether it is called %s',
  async type => {
    const taken = addRoutes()
    await server.start()
    const answer = await fetch(`${server.url()}/api/v1/tasks/${DIGEST}`, {
      method: 'PUT',
      body: Buffer.from('longer than other routes allow'),
      headers: { 'x-role': 'operator', ...(type === undefined ? {} : { 'content-type': type }) },
    })
    expect([answer.status, taken.map(String)]).toEqual([201, ['longer than other routes allow']])
  },
)

test.each(['?replicas=-1', '?replicas=1001', '?replicas=x', '?copies=2'])('the query %s is refused', async query => {
  addRoutes()
  const url = `/api/v1/tasks/${DIGEST}${query}`
  expect((await server.app.inject({ method: 'PUT', url, headers: OPERATOR, payload: 'text' })).json()).toMatchObject({
    code: 'REQUEST_INVALID',
  })
})
