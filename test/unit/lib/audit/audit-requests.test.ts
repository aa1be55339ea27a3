import { Type } from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import type { AuditEvent } from '../../../../lib/audit/audit-record.ts'
import { addAudit } from '../../../../lib/audit/audit-requests.ts'
import { answers, noBody } from '../../../../lib/http/answers.ts'
import { createHttpServer } from '../../../../lib/http/api-server.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { claimedRole, testAccess } from '../../../helpers/api-access.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'

async function createApi() {
  const clock = createManualClock()
  const recorded: AuditEvent[] = []
  let dropped = 0
  const { app } = await createHttpServer({
    listen: '127.0.0.1:0',
    bodyLimitBytes: 1_000,
    logger: silentLogger(),
    api: { title: 'test', description: 'audit' },
    access: testAccess([claimedRole]),
  })
  onTestFinished(() => app.close())
  addAudit(app, {
    clock,
    log: { record: async event => void recorded.push(event) },
    metrics: { auditRecords: { inc: () => void dropped++ } },
  })
  const schema = { response: answers({ 204: noBody('done') }) }
  const done = {
    schema: { ...schema, params: Type.Object({ id: Type.String() }) },
    config: { access: ['operator'] },
  } as const
  app.get('/public', { schema, config: { access: 'public' } }, async (_request, reply) => reply.code(204).send())
  app.get('/things', { schema, config: { access: ['viewer'] } }, async (_request, reply) => reply.code(204).send())
  app.delete('/things/:id', done, async (_request, reply) => reply.code(204).send())
  app.put('/things/:id', done, async () => {
    throw new DamselflyError('STORE_FULL')
  })
  app.post('/pulls', { schema, config: { access: ['node'], audit: 'refusals' } }, async (_request, reply) =>
    reply.code(204).send(),
  )
  app.post('/told', { schema, config: { access: ['node'], audit: 'changes' } }, async (request, reply) => {
    request.auditTarget = (request.query as { changes?: string }).changes ?? ''
    return reply.code(204).send()
  })
  const ask = (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, role?: string) =>
    app.inject({ method, url, remoteAddress: '10.0.0.7', headers: role === undefined ? {} : { 'x-role': role } })
  return { ask, recorded, clock, dropped: () => dropped }
}

const OPERATOR = { kind: 'token', id: 'claims-operator', address: '10.0.0.7' }

test('what changes something is recorded, with what came of it', async () => {
  const { ask, recorded } = await createApi()
  await ask('DELETE', '/things/7?secret=hunter2', 'operator')
  await ask('PUT', '/things/7', 'operator')
  expect(recorded).toEqual([
    { who: OPERATOR, action: 'DELETE /things/:id', target: '7', outcome: { status: 204 } },
    { who: OPERATOR, action: 'PUT /things/:id', target: '7', outcome: { status: 507, code: 'STORE_FULL' } },
  ])
})

test('what is refused is recorded, whatever it was', async () => {
  const { ask, recorded } = await createApi()
  await ask('GET', '/things')
  await ask('POST', '/pulls', 'viewer')
  expect(recorded).toEqual([
    {
      who: { kind: 'anonymous', id: '10.0.0.7', address: '10.0.0.7' },
      action: 'GET /things',
      target: '',
      outcome: { status: 401, code: 'UNAUTHORIZED' },
    },
    {
      who: { ...OPERATOR, id: 'claims-viewer' },
      action: 'POST /pulls',
      target: '',
      outcome: { status: 403, code: 'DENIED' },
    },
  ])
})

test('what only looks, what everybody may have, and each pull is not', async () => {
  const { ask, recorded } = await createApi()
  await ask('GET', '/things', 'viewer')
  await ask('GET', '/public')
  await ask('POST', '/pulls', 'node')
  await ask('PUT', '/nowhere', 'operator')
  expect(recorded).toEqual([])
})

test('of what is told, what has changed something is recorded', async () => {
  const { ask, recorded } = await createApi()
  await ask('POST', '/told', 'operator')
  await ask('POST', '/told?changes=7', 'operator')
  await ask('POST', '/told', 'viewer')
  expect(recorded).toMatchObject([
    { action: 'POST /told', target: '7', outcome: { status: 204 } },
    { action: 'POST /told', target: '', outcome: { status: 403 } },
  ])
})

test.each([
  `dmsl_${'a'.repeat(12)}_${'b'.repeat(48)}`,
  encodeURIComponent('https://user:hunter2@registry/x'),
  'a%20b',
  'x'.repeat(141),
])('what does not look like an id is not written down: %s', async id => {
  const { ask, recorded } = await createApi()
  await ask('DELETE', `/things/${id}`, 'operator')
  expect(recorded).toMatchObject([{ target: '(malformed)' }])
})

test('nobody fills the log with refusals: what is too much is counted', async () => {
  const { ask, recorded, clock, dropped } = await createApi()
  for (let time = 0; time < 80; time++) await ask('GET', '/things')
  expect([recorded.length, dropped()]).toEqual([50, 30])
  await ask('DELETE', '/things/7', 'operator')
  expect(recorded).toHaveLength(51)
  clock.advance(1_000)
  await ask('GET', '/things')
  expect(recorded.slice(51)).toMatchObject([
    { action: 'refusals not recorded', target: '30 requests', outcome: { status: 0 } },
    { action: 'GET /things', outcome: { status: 401 } },
  ])
})
