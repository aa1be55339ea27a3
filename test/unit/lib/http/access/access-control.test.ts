import { Type } from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import type { IdentitySource } from '../../../../../lib/http/access/identity-source.ts'
import { answers, jsonAnswer } from '../../../../../lib/http/answers.ts'
import { createHttpServer } from '../../../../../lib/http/api-server.ts'
import { silentLogger } from '../../../../../lib/logger.ts'
import { ROLES } from '../../../../../protocol/roles.ts'
import { claimedRole, testAccess } from '../../../../helpers/api-access.ts'

const schema = { response: answers({ 200: jsonAnswer('who asks', Type.Object({})) }) }

async function createApi(sources: readonly IdentitySource[] = [claimedRole]) {
  const { app } = await createHttpServer({
    listen: '127.0.0.1:0',
    bodyLimitBytes: 1_000,
    logger: silentLogger(),
    api: { title: 'test', description: 'roles' },
    access: testAccess(sources),
  })
  onTestFinished(() => app.close())
  app.get('/public', { schema, config: { access: 'public' } }, async ({ identity }) => ({ kind: identity.kind }))
  app.get('/reading', { schema, config: { access: ['viewer', 'node'] } }, async ({ identity }) => ({ id: identity.id }))
  app.post('/writing', { schema, config: { access: ['operator'] } }, async ({ body }) => ({ body }))
  return app
}

test.each(ROLES)('what may be done by %s', async role => {
  const app = await createApi()
  const headers = { 'x-role': role }
  const statuses = await Promise.all([
    app.inject({ url: '/public', headers }),
    app.inject({ url: '/reading', headers }),
    app.inject({ method: 'HEAD', url: '/reading', headers }),
    app.inject({ method: 'POST', url: '/writing', headers, payload: {} }),
  ])
  const expected = {
    node: [200, 200, 200, 403],
    local: [200, 403, 403, 403],
    viewer: [200, 200, 200, 403],
    operator: [200, 200, 200, 200],
  }
  expect(statuses.map(({ statusCode }) => statusCode)).toEqual(expected[role])
})

test('whoever is unknown hears how to get a token', async () => {
  const app = await createApi()
  const answer = await app.inject({ url: '/reading' })
  expect([answer.statusCode, answer.headers['www-authenticate'], answer.json()]).toEqual([
    401,
    'Bearer',
    {
      code: 'UNAUTHORIZED',
      message:
        'authentication required: this is for viewers, nodes of the cluster and operators; send "Authorization: Bearer TOKEN" with a token that "program token create --role viewer" makes on this program\'s machine',
    },
  ])
  expect((await app.inject({ url: '/public' })).json()).toEqual({ kind: 'anonymous' })
})

test('whoever has another role hears which he has, and which he needs', async () => {
  const answer = await (await createApi()).inject({ method: 'POST', url: '/writing', headers: { 'x-role': 'viewer' } })
  expect([answer.statusCode, answer.headers['www-authenticate'], answer.json()]).toEqual([
    403,
    undefined,
    { code: 'DENIED', message: 'requested access to the resource is denied: this is for operators, not for viewers' },
  ])
})

test('nothing of a body is looked at before', async () => {
  const app = await createApi()
  const sent = { method: 'POST', url: '/writing', headers: { 'content-type': 'application/json' } } as const
  for (const payload of ['{', 'x'.repeat(2_000)]) {
    expect((await app.inject({ ...sent, payload })).statusCode).toBe(401)
  }
})

test('of several sources the one that lets the request through counts', async () => {
  const viewer: IdentitySource = { identify: () => ({ kind: 'socket', id: 'first', roles: new Set(['viewer']) }) }
  const app = await createApi([viewer, claimedRole])
  const asOperator = { headers: { 'x-role': 'operator' } }
  expect((await app.inject({ method: 'POST', url: '/writing', ...asOperator, payload: {} })).statusCode).toBe(200)
  expect((await app.inject({ url: '/reading', ...asOperator })).json()).toEqual({ id: 'first' })
})

test('unknown paths are unknown to everybody', async () => {
  expect((await (await createApi()).inject('/nowhere')).statusCode).toBe(404)
})

test('a route that does not say who may use it cannot be added', async () => {
  const app = await createApi()
  expect(() => app.get('/silent', { schema }, async () => ({}))).toThrow('GET /silent does not say who may use it')
  const scope = app.register(async inner => {
    inner.put('/inner', { schema }, async () => ({}))
  })
  await expect(scope).rejects.toThrow('PUT /inner does not say who may use it')
})

test('a route is not public unless the list of those names it', async () => {
  const app = await createApi()
  const config = { access: 'public' } as const
  expect(() => app.get('/secret', { schema, config }, async () => ({}))).toThrow(
    'GET /secret is not on the list of public routes',
  )
  expect(() => app.post('/public', { schema, config }, async () => ({}))).toThrow('POST /public is not on the list')
  expect(() => app.all('/public/*', { schema, config }, async () => ({}))).toThrow('* /public/* is not on the list')
})

test('the description says who may use a route', async () => {
  const app = await createApi()
  const { paths } = (await app.inject('/openapi.json')).json()
  expect([paths['/public'].get, paths['/reading'].get, paths['/writing'].post]).toMatchObject([
    { 'x-roles': ['public'], security: [] },
    { 'x-roles': ['viewer', 'node', 'operator'], security: [{ token: [] }] },
    { 'x-roles': ['operator'], security: [{ token: [] }] },
  ])
})
