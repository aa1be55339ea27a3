import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { exchange, startPlainOrigin, startProxy, type TestProxyInit } from './intercept-fixture.ts'
import { hello } from './intercepted-origin.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

async function setUp(handler = hello, init: Partial<TestProxyInit> = {}) {
  const origin = await startPlainOrigin(handler)
  const host = `127.0.0.1:${origin.port}`
  const proxy = await startProxy({ config: { connect: { allow: [host] } }, ...init })
  const send = (lines: string[], body = '') =>
    exchange(proxy.port, `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`)
  return { origin, proxy, host, send }
}

test('a request that names its server goes there, without the headers of the connection', async () => {
  const { origin, host, send, proxy } = await setUp()
  const answer = await send([
    `GET http://${host}/a/../b?c=1 HTTP/1.1`,
    `Host: ${host}`,
    'Authorization: Basic abc',
    'Proxy-Authorization: Basic xyz',
    'Proxy-Connection: keep-alive',
  ])
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*hello/s)
  expect(origin.requests).toMatchObject([{ url: '/a/../b?c=1', headers: { authorization: 'Basic abc', host } }])
  expect(Object.keys(origin.requests[0]?.headers ?? {}).filter(name => name.startsWith('proxy'))).toEqual([])
  expect(await proxy.counted('requests', 'direct')).toBe(1)
})

test('the path may be missing, and HTTP/1.0 needs no Host', async () => {
  const { origin, host, send } = await setUp()
  await send([`GET http://${host} HTTP/1.0`])
  await send([`GET http://${host}?x=1 HTTP/1.0`])
  expect(origin.requests.map(({ url }) => url)).toEqual(['/', '/?x=1'])
  expect(origin.requests[0]?.headers.host).toBe(host)
})

test('uploads go through', async () => {
  const bodies: string[] = []
  const { host, send } = await setUp(async (request, response) => {
    bodies.push(await text(request))
    response.writeHead(202).end()
  })
  const answer = await send([`PUT http://${host}/x HTTP/1.1`, `Host: ${host}`, 'Content-Length: 5'], 'bytes')
  expect(answer).toMatch(/^HTTP\/1\.1 202 /)
  expect(bodies).toEqual(['bytes'])
})

test.each([
  ['http://other.example/', 403],
  ['http://127.0.0.1:1/', 403],
  ['http://169.254.169.254/latest/meta-data', 403],
  ['https://HOST/', 400],
  ['ftp://HOST/', 400],
  ['http://user:password@HOST/', 400],
  ['http:///path', 400],
])('%s is answered with %i', async (url, status) => {
  const { origin, host, send, proxy } = await setUp()
  const target = url.replace('HOST', host)
  const answer = await send([`GET ${target} HTTP/1.1`, `Host: ${/^\w+:\/\/([^/@]*)/.exec(target)?.[1]}`])
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(origin.requests).toEqual([])
  expect(await proxy.counted('requests', 'refused')).toBe(1)
})

test('blobs come through the swarm, and files where a rule says so', async () => {
  const asked: string[] = []
  const { host, send } = await setUp(hello, {
    answerContent: async (_request, response, { url }) => {
      asked.push(url)
      response.end('from the swarm')
    },
  })
  const blob = `http://${host}/v2/library/demo/blobs/${DIGEST}`
  expect(await send([`GET ${blob} HTTP/1.1`, `Host: ${host}`])).toContain('from the swarm')
  expect(await send([`GET http://${host}/v2/ HTTP/1.1`, `Host: ${host}`])).toContain('hello')
  expect(asked).toEqual([blob])
})

test('the daemon goes on answering what is meant for itself, also in absolute form', async () => {
  const { proxy, send } = await setUp()
  expect(await send(['GET /own/path HTTP/1.1', 'Host: x'])).toContain('own /own/path')
  const own = `127.0.0.1:${proxy.port}`
  expect(await send([`GET http://${own}/v2/ HTTP/1.1`, `Host: ${own}`])).toContain(`own http://${own}/v2/`)
})

test('after a stop the server is as it was', async () => {
  const { proxy, host, origin, send } = await setUp()
  await proxy.interceptor.stop()
  expect(await send([`GET http://${host}/ HTTP/1.1`, `Host: ${host}`])).toContain(`own http://${host}/`)
  expect(origin.requests).toEqual([])
})
