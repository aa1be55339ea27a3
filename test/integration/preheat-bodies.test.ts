import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DamselflyError } from '../../protocol/errors.ts'
import {
  CLOUD_EVENT_BODY,
  distributionBody,
  distributionEvent,
  HARBOR_TOKEN,
  krakenBody,
  NGINX,
  NGINX_DIGEST,
  OCI_DIGEST,
  V2_STARTED,
  v1Body,
  v2Body,
  WEBHOOK_BODY,
} from '../helpers/harbor-bodies.ts'
import { createPreheatClient, type PreheatClient } from '../helpers/preheat-client.ts'
import { createPreheatServer, type PreheatServer } from '../helpers/preheat-server.ts'

let server: PreheatServer
let client: PreheatClient
const ask: PreheatClient['ask'] = (...asked) => client.ask(...asked)

beforeEach(async () => {
  server = await createPreheatServer()
  await server.http.start()
  client = await createPreheatClient(server)
})

afterEach(async () => {
  await server.http.stop()
  // Whatever was said, to whomever.
  expect(`${client.answered()}\n${server.log.text()}`).not.toContain(HARBOR_TOKEN)
})

describe('bodies as they were recorded', () => {
  test('of Dragonfly v2 are answered as contracts §4.1 shows', async () => {
    for (const clusters of ['null', '[1,2]']) {
      expect(await ask('/oapi/v1/jobs', v2Body(NGINX, '', clusters))).toMatchObject({ status: 200, text: V2_STARTED })
    }
  })

  test.for(['/preheats', '/api/v1/preheats', '/v1.0.6/preheats'])('of Dragonfly v1, at %s', async path => {
    expect(await ask(path, v1Body(NGINX))).toMatchObject({ status: 201, text: '{"ID":"1"}' })
    expect(await ask(path, v1Body(NGINX))).toMatchObject({ status: 201, text: '{"ID":"1"}' })
    const shown = { ID: '1', status: 'WAITING', startTime: expect.any(String), errorMsg: '' }
    expect((await ask(`${path}/1`)).json).toEqual(shown)
    expect((await ask(path)).json).toEqual([shown])
    for (const id of [1, 1]) {
      expect(await ask(`${path}/${id}`, undefined, { method: 'DELETE' })).toMatchObject({ status: 200, text: 'true' })
    }
    expect((await ask(`${path}/1`)).json).toMatchObject({ status: 'FAIL', errorMsg: 'it was cancelled' })
    expect(await ask(`${path}/x`)).toMatchObject({ status: 404 })
  })

  const pushed = { started: [1], underWay: [], ignored: 0 }

  test.for([
    'application/vnd.docker.distribution.events.v1+json',
    'application/vnd.docker.distribution.events.v2+json',
    'application/json',
    'application/json; charset=utf-8',
  ])('of distribution as %s', async type => {
    const body = distributionBody(distributionEvent())
    expect(await ask('/events', body, { type })).toMatchObject({ status: 200, json: pushed })
    expect((await ask('/events', body, { type })).json).toEqual({ started: [], underWay: [1], ignored: 0 })
    expect(server.preheats.list()).toMatchObject([{ name: `127.0.0.1:5600/library/testoci@${OCI_DIGEST}` }])
  })

  test.for([
    ['application/json', WEBHOOK_BODY],
    ['application/cloudevents+json', CLOUD_EVENT_BODY],
    ['application/cloudevents+json; charset=utf-8', CLOUD_EVENT_BODY],
  ] as const)("of Harbor's webhooks as %s", async ([type, body]) => {
    expect(await ask('/harbor/webhooks', body, { type })).toMatchObject({ status: 200, json: pushed })
    expect(server.preheats.requests).toEqual([{ image: `harbor.lan/proj/alpine@${NGINX_DIGEST}` }])
  })

  test('of Kraken, also where registries send their own', async () => {
    expect((await ask('/registry/notifications', krakenBody(NGINX))).json).toEqual(pushed)
    expect((await ask('/events', krakenBody(NGINX))).json).toEqual({ started: [], underWay: [1], ignored: 0 })
    expect((await ask('/registry/notifications', distributionBody(distributionEvent()))).json).toMatchObject({
      started: [2],
    })
  })

  test.for(['Bearer dmsl_operator', 'dmsl_operator', 'bearer dmsl_operator'])(
    'may have the header as it was configured: %s',
    async authorization => {
      const headers = { authorization }
      expect((await ask('/events', distributionBody(distributionEvent()), { headers })).status).toBe(200)
      expect((await ask('/harbor/webhooks', WEBHOOK_BODY, { headers })).status).toBe(200)
    },
  )
})

describe('events', () => {
  test('that start nothing are taken, so that they are not sent again', async () => {
    const none = { started: [], underWay: [], ignored: 1 }
    const pull = distributionBody(distributionEvent({ action: 'pull' }))
    expect(await ask('/events', pull)).toMatchObject({ status: 200, json: none })
    const other = JSON.stringify({ type: 'QUOTA_EXCEED', event_data: { repository: null } })
    expect(await ask('/harbor/webhooks', other)).toMatchObject({ status: 200, json: none })
    expect(server.preheats.requests).toEqual([])
  })

  test.for([
    ['/events', distributionBody(distributionEvent()), 'library/testoci', OCI_DIGEST],
    ['/harbor/webhooks', WEBHOOK_BODY, 'proj/alpine', NGINX_DIGEST],
    ['/registry/notifications', krakenBody(NGINX), 'library/nginx', NGINX_DIGEST],
  ] as const)('at %s are of the registry that its URL names', async ([path, body, name, digest]) => {
    const query = '?registry=harbor.example:8443&scope=labels%3Azone%3Da,pool%3Dgpu'
    expect((await ask(`${path}${query}`, body)).status).toBe(200)
    expect(server.preheats.requests).toEqual([
      { image: `harbor.example:8443/${name}@${digest}`, scope: 'labels:zone=a,pool=gpu' },
    ])
  })

  test('of many references are taken', async () => {
    const references = Array.from({ length: 4_000 }, () => ({ mediaType: 'application/x', digest: OCI_DIGEST }))
    const body = distributionBody(distributionEvent({ target: { references } }))
    expect([body.length > 300_000, (await ask('/events', body)).status]).toEqual([true, 200])
  })

  test('that come 10,000 times start one job', async () => {
    const body = distributionBody(...Array.from({ length: 100 }, () => distributionEvent()))
    for (let at = 0; at < 100; at++) expect((await ask('/events', body)).status).toBe(200)
    expect(server.preheats.list()).toHaveLength(1)
  })

  test('of which one cannot be started start the others, and are sent again', async () => {
    const image = `127.0.0.1:5600/library/testoci@${OCI_DIGEST}`
    server.preheats.failFor(image, new DamselflyError('TOOMANYREQUESTS', '100 jobs are under way'))
    const body = distributionBody(distributionEvent(), distributionEvent({ target: { repository: 'other' } }))
    expect(await ask('/events', body)).toMatchObject({ status: 429 })
    expect(server.preheats.list()).toMatchObject([{ name: `127.0.0.1:5600/other@${OCI_DIGEST}` }])
  })
})

const POSTS = [
  '/oapi/v1/jobs',
  '/preheats',
  '/api/v1/preheats',
  '/events',
  '/registry/notifications',
  '/harbor/webhooks',
]

describe.for(POSTS)('POST %s', path => {
  test.for(['', '{', 'null', '7', '"text"', '[]', '{}', `{"headers":{"Authorization":"Bearer ${HARBOR_TOKEN}"`])(
    'refuses the body %s',
    async body => {
      const refused = { code: 'REQUEST_INVALID', message: expect.stringMatching(/^the request is malformed: ./) }
      expect(await ask(path, body)).toMatchObject({ status: 400, json: refused })
      expect(server.preheats.requests).toEqual([])
    },
  )

  test('refuses a body that could change objects', async () => {
    expect((await ask(path, '{"__proto__":{"type":"preheat"}}')).status).toBe(400)
  })

  test('refuses other types, and more than 1 MiB', async () => {
    expect((await ask(path, '<a/>', { type: 'text/xml' })).status).toBe(400)
    expect((await ask(path, 'text', { type: 'text/plain' })).status).toBe(400)
    expect(await ask(path, `{"x":"${'x'.repeat(1024 * 1024)}"}`)).toMatchObject({
      status: 413,
      json: { code: 'BODY_TOO_LARGE' },
    })
  })

  test('refuses a body that is nested deeply', async () => {
    expect((await ask(path, `{"events":${'['.repeat(200_000)}${']'.repeat(200_000)}}`)).status).toBe(400)
  })

  test('is for operators', async () => {
    expect((await ask(path, '{}', { headers: {} })).status).toBe(401)
    expect((await ask(path, '{}', { headers: { authorization: 'Bearer dmsl_viewer' } })).status).toBe(403)
  })
})

describe('bad input', () => {
  const v2 = (args: object, type = 'preheat') =>
    JSON.stringify({ type, args: { type: 'image', url: NGINX.url, ...args } })
  const v1 = (fields: object) => JSON.stringify({ type: 'image', url: NGINX.url, ...fields })
  const push = (target: object) => distributionBody(distributionEvent({ target }))
  const many = distributionBody(...Array.from({ length: 101 }, () => ({})))

  test.for([
    ['/oapi/v1/jobs', v2({}, 'sync_peers'), 'body/type must be one of preheat'],
    ['/oapi/v1/jobs', v2({ type: 'chart' }), 'body/args/type must be one of image, file'],
    ['/oapi/v1/jobs', v2({ scope: 'some_peers' }), 'body/args/scope must be one of , single_seed_peer'],
    ['/oapi/v1/jobs', v2({ url: 'nginx:1.27' }), 'expected the URL of a manifest'],
    [
      '/oapi/v1/jobs',
      v2({ headers: { Authorization: [HARBOR_TOKEN] } }),
      'body/args/headers/Authorization must be str',
    ],
    ['/oapi/v1/jobs', v2({ timeout: -1 }), 'body/args/timeout must be >= 0'],
    ['/oapi/v1/jobs', v2({ timeout: 1e30 }), 'the job/deadlineSeconds must be <= 604800'],
    ['/oapi/v1/jobs', v2({ platform: 'x' }), 'the job/platforms/0 must match pattern'],
    ['/preheats', v1({ type: 'chart' }), 'body/type must be one of image, file'],
    ['/preheats', v1({ url: 'x' }), 'body/url must not have fewer than 3 characters'],
    ['/preheats', v1({ url: 'https://h.example/v2/a/tags/list' }), 'expected the URL of a manifest'],
    ['/events', many, 'body/events must not have more than 100 items'],
    ['/events', '{"events":{}}', 'body/events must be array'],
    ['/events', '{"events":[7]}', 'body/events/0 must be object'],
    ['/events', push({ tag: 7 }), 'body/events/0/target/tag must be string'],
    ['/events', push({ url: '' }), 'add ?registry=HOST to the URL'],
    ['/events?registry=a/b', push({}), 'is no image of the form host/repository:tag'],
    ['/events?scope=', push({}), 'query/scope must not have fewer than 1 characters'],
    ['/events?zone=a', push({}), 'query/zone is not known, only registry, scope'],
    ['/events?scope=all&scope=supernode', push({}), 'query/scope must be string'],
    ['/registry/notifications?x=1', krakenBody(NGINX), 'query/x is not known, only registry, scope'],
    ['/harbor/webhooks?x=1', WEBHOOK_BODY, 'query/x is not known, only registry, scope'],
    ['/harbor/webhooks', '{"type":7}', 'body/type must be string'],
    ['/harbor/webhooks', '{"type":"PUSH_ARTIFACT"}', 'body/event_data must be object'],
    ['/harbor/webhooks', '{"type":"harbor.artifact.pushed","data":[]}', 'body/data must be object'],
  ] as const)('POST %s with %s is refused', async ([path, body, message]) => {
    expect(await ask(path, body)).toMatchObject({
      status: 400,
      json: { code: 'REQUEST_INVALID', message: expect.stringContaining(message) },
    })
    expect(server.preheats.requests).toEqual([])
  })

  test('a scope that the jobs refuse is refused', async () => {
    const image = `127.0.0.1:5600/library/testoci@${OCI_DIGEST}`
    server.preheats.failFor(image, new DamselflyError('REQUEST_INVALID', '"zone=a" is no scope'))
    expect(await ask('/events?scope=zone%3Da', push({}))).toMatchObject({
      status: 400,
      json: { message: 'the request is malformed: "zone=a" is no scope' },
    })
  })

  test.for(['7', 'x', '0', '1.5'])('the job %s is unknown', async id => {
    for (const path of [`/oapi/v1/jobs/${id}`, `/preheats/${id}`, `/api/v1/preheats/${id}`]) {
      expect(await ask(path)).toMatchObject({ status: 404, json: { code: 'PREHEAT_UNKNOWN' } })
    }
  })
})
