import { Validator } from '@seriousme/openapi-schema-validator'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { swarmSource } from '../../lib/origin/swarm-source.ts'
import { VERSION } from '../../lib/version.ts'
import { type Digest, digestOf } from '../../protocol/digest.ts'
import { type ApiDocument, operationsOf, readApiDocument, undocumented } from '../helpers/api-document.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { krakenBody, NGINX, v1Body, v2Body } from '../helpers/harbor-bodies.ts'
import { pullBlob } from '../helpers/pull.ts'

let cluster: TestCluster
let supernode: TestProgram
let node: TestProgram
let blob: TestBlob

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode()
  node = await cluster.dfdaemon({ supernode: supernode.url })
  blob = await seedBlob(cluster.registry, 600_000)
  await pullBlob(node, blob)
})

afterAll(() => cluster[Symbol.asyncDispose]())

/** Asks for one route after the other, and compares the answers with the description. */
async function observe(program: TestProgram, asked: readonly (readonly [string, string, number, string?])[]) {
  const document = await readApiDocument(program)
  for (const [method, path, status, body] of asked) {
    const answer = await request(`${program.url}${path}`, {
      method: method as 'GET',
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
    })
    const text = await answer.body.text()
    expect([method, path, answer.statusCode]).toEqual([method, path, status])
    const contentType = String(answer.headers['content-type'])
    expect(undocumented(document, { method, path, status, contentType, text }), `${method} ${path}`).toEqual([])
  }
  const routes = asked.map(([method, path]) => `${method} ${templateOf(document, path)}`)
  expect([...new Set(routes)].toSorted()).toEqual(operationsOf(document))
}

function templateOf({ paths }: ApiDocument, path: string): string {
  const [asked = ''] = path.split('?', 1)
  const matches = (template: string) => new RegExp(`^${template.replaceAll('{id}', '[^/]+')}$`).test(asked)
  return (
    Object.keys(paths).find(template => template === asked) ??
    Object.keys(paths).find(matches) ??
    `${path} is not described`
  )
}

const programs = { supernode: () => supernode, dfdaemon: () => node }

describe.each(['supernode', 'dfdaemon'] as const)('/openapi.json of a %s', name => {
  test('is a valid OpenAPI document', async () => {
    const document = await readApiDocument(programs[name]())
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: VERSION } })
    expect(await new Validator().validate({ ...document })).toEqual({ valid: true })
    const broken = await new Validator().validate({ ...document, paths: { '/x': { get: { responses: 7 } } } })
    expect(broken.valid).toBe(false)
  })

  test('has no leftovers of how the schemas are made', async () => {
    const text = JSON.stringify(await readApiDocument(programs[name]()))
    expect(text.match(/"(~\w+|placeholder|unit)":/g)).toBeNull()
    expect(text).not.toContain('Default Response')
  })
})

test('every route of a supernode is described, and answers as described', async () => {
  const unknown = `sha256:${'0'.repeat(64)}`
  const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
  const source = { url, headers: {}, digest: blob.digest }
  const manifest = `${cluster.registry.url}/v2/${blob.repository}/manifests/none`
  const preheated = { ...NGINX, url: manifest, repository: blob.repository }
  const registration = JSON.stringify({ peerId: node.peerId, source })
  await observe(supernode, [
    ['GET', '/_ping', 200],
    ['GET', '/version', 200],
    ['GET', '/metrics', 200],
    ['GET', '/openapi.json', 200],
    ['GET', '/api/v1/cluster', 200],
    ['POST', '/peer/registry', 200, registration],
    ['POST', '/peer/registry', 400, '{}'],
    ['GET', '/api/v1/peers?sortKey=port&pageSize=1', 200],
    ['GET', '/api/v1/peers?pageSize=x', 400],
    ['POST', `/api/v1/peers/${node.peerId}/dial-back`, 200],
    ['GET', '/api/v1/limits', 200],
    ['PUT', '/api/v1/limits', 200, '{"egress":0}'],
    ['PUT', '/api/v1/limits', 400, '{"speed":0}'],
    ['POST', '/api/v1/tokens', 201, '{"role":"node"}'],
    ['POST', '/api/v1/tokens', 400, '{"role":"king"}'],
    ['GET', '/api/v1/tokens', 200],
    ['DELETE', '/api/v1/tokens/none', 404],
    ['GET', '/api/v1/members', 200],
    // Nobody has a key here, as there is no TLS.
    ['POST', '/api/v1/members', 401, '{"token":"dmsl_","name":"node"}'],
    ['POST', '/api/v1/members', 400, '{}'],
    ['POST', '/api/v1/members/renew', 401],
    ['DELETE', `/api/v1/members/${node.peerId}`, 404],
    ['PUT', `/api/v1/blocklist/sha256:${'1'.repeat(64)}`, 204, '{"reason":"why not"}'],
    ['PUT', '/api/v1/blocklist/nothing', 400, '{}'],
    ['GET', '/api/v1/blocklist', 200],
    ['DELETE', `/api/v1/blocklist/sha256:${'1'.repeat(64)}`, 204],
    ['DELETE', `/api/v1/blocklist/sha256:${'1'.repeat(64)}`, 404],
    ['GET', '/api/v1/tasks', 200],
    ['GET', `/api/v1/tasks/${blob.digest}`, 200],
    ['GET', `/api/v1/tasks/${unknown}`, 404],
    ['POST', '/api/v1/tasks/locate', 200, JSON.stringify({ source })],
    ['POST', '/api/v1/tasks/locate', 404, JSON.stringify({ source: swarmSource(unknown as Digest) })],
    ['PUT', `/api/v1/tasks/${digestOf(Buffer.from('text'))}?replicas=1`, 201, 'text'],
    ['PUT', `/api/v1/tasks/${digestOf(Buffer.from('text'))}`, 200, 'text'],
    ['PUT', `/api/v1/tasks/${unknown}`, 400, 'text'],
    ['PUT', `/api/v1/tasks/${digestOf(Buffer.from('text'))}/replicas`, 200, '{"wanted":0}'],
    ['PUT', `/api/v1/tasks/${unknown}/replicas`, 404, '{"wanted":0}'],
    ['POST', '/v1/preheats', 201, JSON.stringify({ files: [url], scope: 'supernode' })],
    ['POST', '/v1/preheats', 400, '{}'],
    ['GET', '/v1/preheats', 200],
    ['GET', '/v1/preheats/1', 200],
    ['GET', '/v1/preheats/99', 404],
    ['GET', '/v1/preheats/99/events', 404],
    ['DELETE', '/v1/preheats/99', 404],
    ['GET', '/healthy', 200],
    ['GET', '/health', 200],
    ['POST', '/oapi/v1/jobs', 200, v2Body(preheated, 'single_seed_peer')],
    ['POST', '/oapi/v1/jobs', 400, '{}'],
    ['GET', '/oapi/v1/jobs/2', 200],
    ['GET', '/oapi/v1/jobs/99', 404],
    ...['/preheats', '/api/v1/preheats'].flatMap(path => [
      ['POST', path, 201, v1Body(preheated)] as const,
      ['POST', path, 400, '{}'] as const,
      ['GET', path, 200] as const,
      ['GET', `${path}/1`, 200] as const,
      ['GET', `${path}/99`, 404] as const,
      ['DELETE', `${path}/2`, 200] as const,
    ]),
    ['POST', '/events', 200, '{"events":[]}'],
    ['POST', '/events?zone=a', 400, '{"events":[]}'],
    ['POST', '/registry/notifications', 200, krakenBody(preheated)],
    ['POST', '/harbor/webhooks', 200, '{"type":"PULL_ARTIFACT"}'],
    ['POST', '/harbor/webhooks', 400, '{"type":"PUSH_ARTIFACT"}'],
    ['DELETE', `/api/v1/tasks/${blob.digest}?full=true`, 204],
    ['DELETE', `/api/v1/tasks/${blob.digest}?full=maybe`, 400],
    ['DELETE', `/api/v1/tasks/${unknown}`, 404],
  ])
})

/** The body that asks for a blob of the registry. */
function wishFor(digest: string): string {
  const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${digest}`
  return JSON.stringify({ source: { url, headers: {}, digest } })
}

test('every route of a dfdaemon is described, and answers as described', async () => {
  const task = `/api/v1/store/tasks/${blob.digest}`
  await observe(node, [
    ['GET', '/_ping', 200],
    ['GET', '/version', 200],
    ['GET', '/metrics', 200],
    ['GET', '/openapi.json', 200],
    ['GET', '/api/v1/node', 200],
    ['GET', '/api/v1/tasks', 200],
    ['GET', '/v1/pulls?limit=5', 200],
    ['GET', '/v1/pulls?limit=0', 400],
    ['GET', '/api/v1/limits', 200],
    ['PUT', '/api/v1/limits', 200, '{"upload":0}'],
    ['POST', '/api/v1/tokens', 201, '{"role":"viewer"}'],
    ['POST', '/api/v1/tokens', 400, '{"role":"king"}'],
    ['GET', '/api/v1/tokens', 200],
    ['DELETE', '/api/v1/tokens/none', 404],
    ['GET', '/api/v1/store', 200],
    ['PUT', `${task}/pin`, 204],
    ['DELETE', `${task}/pin`, 204],
    ['POST', `${task}/verify`, 200],
    ['POST', '/api/v1/store/gc', 200],
    ['POST', '/api/v1/content', 200, wishFor(blob.digest)],
    ['POST', '/api/v1/content', 404, wishFor(`sha256:${'0'.repeat(64)}`)],
    ['POST', '/api/v1/content', 400, '{}'],
    ['DELETE', task, 204],
    ['DELETE', `/api/v1/store/tasks/${'x'.repeat(10)}`, 404],
  ])
})

test('a field that is not described is noticed', async () => {
  const document = await readApiDocument(node)
  const answer = { method: 'GET', path: '/version', status: 200, contentType: 'application/json' }
  const text = await (await request(`${node.url}/version`)).body.text()
  expect(undocumented(document, { ...answer, text })).toEqual([])
  expect(undocumented(document, { ...answer, text: text.replace('{', '{"secret":1,') })).not.toEqual([])
  expect(undocumented(document, { ...answer, text: '{}' })).not.toEqual([])
  expect(undocumented(document, { ...answer, status: 201, text })).toEqual(['status 201'])
})
