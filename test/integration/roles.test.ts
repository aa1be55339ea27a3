import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PUBLIC_ROUTES as DFDAEMON_PUBLIC } from '../../dfdaemon/api/public-routes.ts'
import { connectToSocket } from '../../lib/http/socket-path.ts'
import { PUBLIC_ROUTES as SUPERNODE_PUBLIC } from '../../supernode/api/public-routes.ts'
import { anyServer } from '../helpers/any-server.ts'
import { readApiDocument, rolesOf } from '../helpers/api-document.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'

const SECURE = { trial: 'false', 'requests.failedAttempts.perSecond': '0' }

let cluster: TestCluster
let supernode: TestProgram
let dfdaemon: TestProgram
let sharedSocket: string

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode(SECURE)
  sharedSocket = join(supernode.dataDir, '..', 'shared.sock')
  dfdaemon = await cluster.dfdaemon({ ...SECURE, socket: sharedSocket })
})

afterAll(() => cluster[Symbol.asyncDispose]())

const programs = { supernode: () => supernode, dfdaemon: () => dfdaemon }

/** Sends a request over a Unix socket. */
async function askBySocket(path: string, target: string, method = 'GET', body = '') {
  const connection = await connectToSocket(path)
  const headers = body === '' ? {} : { 'content-type': 'application/json' }
  const asked = httpRequest({ createConnection: () => connection, path: target, method, headers })
  asked.end(body)
  const [response] = await once(asked, 'response')
  return { status: response.statusCode as number, body: await text(response) }
}

const operatorSocket = (program: 'supernode' | 'dfdaemon') => join(programs[program]().dataDir, `${program}.sock`)

// R1: whatever is not here needs a role.
test('the routes that are for everybody', () => {
  expect(SUPERNODE_PUBLIC).toEqual([
    'GET /_ping',
    'GET /version',
    'GET /openapi.json',
    'GET /healthy',
    'GET /health',
    'POST /api/v1/members',
    'POST /api/v1/members/renew',
  ])
  expect(DFDAEMON_PUBLIC).toEqual([
    'GET /_ping',
    'GET /version',
    'GET /openapi.json',
    '* /v2',
    '* /v2/',
    '* /:registry/v2',
    '* /:registry/v2/',
    '* /v2/*',
    '* /:registry/v2/*',
  ])
})

test('who may use the routes of a supernode', async () => {
  expect(rolesOf(await readApiDocument(supernode))).toEqual({
    'DELETE /api/v1/tasks/{id}': 'operator',
    'DELETE /api/v1/tokens/{id}': 'operator',
    'DELETE /api/v1/blocklist/{id}': 'operator',
    'DELETE /api/v1/members/{id}': 'operator',
    'GET /_ping': 'public',
    'GET /api/v1/blocklist': 'viewer, operator',
    'GET /api/v1/members': 'viewer, operator',
    'POST /api/v1/members': 'public',
    'POST /api/v1/members/renew': 'public',
    'PUT /api/v1/blocklist/{id}': 'operator',
    'GET /api/v1/cluster': 'node, operator',
    'GET /api/v1/limits': 'viewer, operator',
    'GET /api/v1/peers': 'viewer, operator',
    'GET /api/v1/tasks': 'viewer, operator',
    'GET /api/v1/tasks/{id}': 'viewer, operator',
    'GET /api/v1/tokens': 'operator',
    'GET /metrics': 'viewer, operator',
    'GET /openapi.json': 'public',
    'GET /version': 'public',
    'POST /api/v1/tokens': 'operator',
    'POST /api/v1/peers/{id}/dial-back': 'node, operator',
    'POST /api/v1/tasks/locate': 'viewer, operator',
    'POST /peer/registry': 'node, operator',
    'PUT /api/v1/limits': 'operator',
    'PUT /api/v1/tasks/{id}': 'operator',
    'PUT /api/v1/tasks/{id}/replicas': 'operator',
    'GET /v1/preheats': 'viewer, operator',
    'POST /v1/preheats': 'operator',
    'GET /v1/preheats/{id}': 'viewer, operator',
    'DELETE /v1/preheats/{id}': 'operator',
    'GET /v1/preheats/{id}/events': 'viewer, operator',
    'GET /healthy': 'public',
    'POST /oapi/v1/jobs': 'operator',
    'GET /oapi/v1/jobs/{id}': 'viewer, operator',
    'GET /preheats': 'viewer, operator',
    'POST /preheats': 'operator',
    'GET /preheats/{id}': 'viewer, operator',
    'DELETE /preheats/{id}': 'operator',
    'GET /api/v1/preheats': 'viewer, operator',
    'POST /api/v1/preheats': 'operator',
    'GET /api/v1/preheats/{id}': 'viewer, operator',
    'DELETE /api/v1/preheats/{id}': 'operator',
    'GET /health': 'public',
    'POST /events': 'operator',
    'POST /registry/notifications': 'operator',
    'POST /harbor/webhooks': 'operator',
  })
})

test('who may use the routes of a dfdaemon', async () => {
  expect(rolesOf(await readApiDocument(dfdaemon))).toEqual({
    'DELETE /api/v1/store/tasks/{id}': 'operator',
    'DELETE /api/v1/store/tasks/{id}/pin': 'operator',
    'DELETE /api/v1/tokens/{id}': 'operator',
    'GET /api/v1/tokens': 'operator',
    'POST /api/v1/tokens': 'operator',
    'GET /_ping': 'public',
    'GET /api/v1/limits': 'viewer, operator',
    'GET /api/v1/node': 'viewer, operator',
    'GET /api/v1/store': 'viewer, operator',
    'GET /api/v1/tasks': 'viewer, local, operator',
    'GET /metrics': 'viewer, operator',
    'GET /openapi.json': 'public',
    'GET /v1/pulls': 'viewer, local, operator',
    'GET /version': 'public',
    'POST /api/v1/content': 'local, operator',
    'POST /api/v1/store/gc': 'operator',
    'POST /api/v1/store/tasks/{id}/verify': 'operator',
    'PUT /api/v1/limits': 'operator',
    'PUT /api/v1/store/tasks/{id}/pin': 'operator',
  })
})

test.each(['supernode', 'dfdaemon'] as const)('docs/api.md has the routes of a %s and their roles', async name => {
  const page = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const [, table = ''] = new RegExp(`\\| route of a ${name} .*\n((?:\\|.*\n)+)`).exec(page) ?? []
  const documented = table.split('\n').flatMap(row => {
    const [, routes = '', roles = ''] = row.split('|')
    const named = [...routes.matchAll(/`([A-Z]+ [^`]+)`/g)].map(([, route]) => route ?? '')
    return named.map(route => [route, roles.trim()])
  })
  expect(Object.fromEntries(documented)).toEqual(rolesOf(await readApiDocument(programs[name]())))
})

describe.each(['supernode', 'dfdaemon'] as const)('a %s', name => {
  test('has nothing but the public routes for strangers, on the machine itself too', async () => {
    const program = programs[name]()
    for (const [route, roles] of Object.entries(rolesOf(await readApiDocument(program)))) {
      const [method = '', path = ''] = route.split(' ')
      const options = { method: method as 'GET', dispatcher: anyServer }
      const { statusCode, body } = await request(`${program.url}${path.replace('{id}', 'x')}`, options)
      await body.dump()
      // Members prove themselves by their key, which is not looked at before their route is.
      const open = path.startsWith('/api/v1/members') ? [400, 401] : [200]
      expect([route, roles === 'public' ? open : [401]]).toEqual([route, expect.arrayContaining([statusCode])])
    }
  })

  test('answers its owner on the socket in its data directory', async () => {
    expect(await askBySocket(operatorSocket(name), '/metrics')).toMatchObject({ status: 200 })
    const change = await askBySocket(operatorSocket(name), '/api/v1/limits', 'PUT', '{"concurrentUploads":7}')
    expect([change.status, JSON.parse(change.body)]).toMatchObject([200, { concurrentUploads: 7 }])
  })
})

test('programs of the machine get content from a dfdaemon, and see how that goes, but nothing else', async () => {
  const blob = await seedBlob(cluster.registry, 50_000)
  const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
  const wish = JSON.stringify({ source: { url, headers: {}, digest: blob.digest } })
  const given = await askBySocket(sharedSocket, '/api/v1/content', 'POST', wish)
  expect([given.status, given.body.length]).toEqual([200, expect.any(Number)])
  for (const [method, path, status] of [
    ['GET', '/v1/pulls', 403],
    ['GET', '/api/v1/tasks', 403],
    ['GET', '/api/v1/store', 403],
    ['GET', '/metrics', 403],
    ['POST', '/api/v1/store/gc', 403],
    ['GET', '/version', 200],
  ] as const) {
    expect([path, (await askBySocket(sharedSocket, path, method)).status]).toEqual([path, status])
  }
  const [pull] = JSON.parse((await askBySocket(sharedSocket, '/v1/pulls?id=1')).body)
  expect(pull).toMatchObject({ id: 1, sizeBytes: 50_000, url: '', task: null, registry: null, client: null })
  const tasks = JSON.parse((await askBySocket(sharedSocket, `/api/v1/tasks?id=${blob.digest}`)).body)
  expect(tasks).toMatchObject([{ id: blob.digest }])
  expect(JSON.parse((await askBySocket(operatorSocket('dfdaemon'), '/v1/pulls?id=1')).body)).toMatchObject([{ url }])
})

test('whom a registry lets read, a dfdaemon gives it to', async () => {
  const blob = await seedBlob(cluster.registry, 10_000, { seed: 'other' })
  expect(await pullBlob(dfdaemon, blob)).toMatchObject({ status: 200, digest: blob.digest })
})
