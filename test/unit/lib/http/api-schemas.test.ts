import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { answers, jsonAnswer } from '../../../../lib/http/answers.ts'
import { createHttpServer } from '../../../../lib/http/api-server.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { testAccess } from '../../../helpers/api-access.ts'

const Query = Type.Object(
  {
    count: Type.Optional(Type.Integer({ minimum: 0 })),
    full: Type.Optional(Type.Boolean()),
    key: Type.Optional(Type.Array(Type.Enum(['a', 'b']))),
    text: Type.Optional(Type.String({ maxLength: 5 })),
  },
  { additionalProperties: false },
)
const Body = Type.Object({ at: Type.Object({ x: Type.Integer() }, { additionalProperties: false }) })

async function createApi() {
  const { app } = await createHttpServer({
    listen: '127.0.0.1:0',
    bodyLimitBytes: 1_000,
    logger: silentLogger(),
    api: { title: 'test', description: 'schemas' },
    access: testAccess(),
  })
  const response = answers({ 200: jsonAnswer('what was asked', Type.Object({})) }, ['REQUEST_INVALID'])
  const config = { access: ['viewer'] } as const
  app.get('/query', { schema: { querystring: Query, response }, config }, async ({ query }) => query)
  app.post('/body', { schema: { body: Body, response }, config }, async ({ body }) => body)
  return app
}

describe('a query', () => {
  test.for<[string, object]>([
    ['', {}],
    ['?count=7', { count: 7 }],
    ['?full=true', { full: true }],
    ['?full=0', { full: false }],
    ['?key=a', { key: ['a'] }],
    ['?key=b&key=a', { key: ['b', 'a'] }],
    ['?text=7', { text: '7' }],
  ])('%s is read', async ([query, expected]) => {
    const answer = await (await createApi()).inject(`/query${query}`)
    expect([answer.statusCode, answer.json()]).toEqual([200, expected])
  })

  test.for([
    ['?count=-1', 'query/count must be >= 0'],
    ['?count=1.5', 'query/count must be integer'],
    ['?count=', 'query/count must be integer'],
    ['?count=0x10', 'query/count must be integer'],
    ['?count=9999999999999999', 'query/count must be integer'],
    ['?count=1&count=2', 'query/count must be integer'],
    ['?full=maybe', 'query/full must be boolean'],
    ['?key=c', 'query/key/0 must be one of a, b'],
    ['?text=123456', 'query/text must not have more than 5 characters'],
    ['?Count=1', 'query/Count is not known, only count, full, key, text'],
    ['?__proto__=1', 'query/__proto__ is not known, only count, full, key, text'],
  ])('%s is refused', async ([query, message]) => {
    const answer = await (await createApi()).inject(`/query${query}`)
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      { code: 'REQUEST_INVALID', message: `the request is malformed: ${message}` },
    ])
  })
})

describe('a body', () => {
  const post = async (payload: object) => (await createApi()).inject({ method: 'POST', url: '/body', payload })

  test('goes through and comes out whole, whatever the schemas do not say', async () => {
    const payload = { at: { x: 1 }, more: { y: [null, '2'] } }
    expect((await post(payload)).json()).toEqual(payload)
  })

  test.for<[object, string]>([
    [{ at: { x: '1' } }, 'body/at/x must be integer'],
    [{ at: { x: 1, y: 2 } }, 'body/at/y is not known'],
    [{}, 'body must have required properties at'],
    [[], 'body must be object'],
  ])('%j is refused', async ([payload, message]) => {
    const answer = await post(payload)
    expect([answer.statusCode, answer.json().message]).toEqual([400, `the request is malformed: ${message}`])
  })
})

test('a route that does not say what it answers cannot be added', async () => {
  const app = await createApi()
  const config = { access: ['viewer'] } as const
  expect(() => app.get('/silent', { config }, async () => 'x')).toThrow('GET /silent has no schema of its answers')
  app.get('/hidden', { schema: { hide: true }, config }, async () => 'x')
  const document = (await app.inject('/openapi.json')).json() as { paths: object }
  expect(Object.keys(document.paths)).toEqual(['/openapi.json', '/query', '/body'])
})
