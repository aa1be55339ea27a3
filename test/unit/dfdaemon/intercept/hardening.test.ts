import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { exchange, startPlainOrigin, startProxy } from './intercept-fixture.ts'
import { hello, raw, setUp } from './intercepted-origin.ts'

/** Requests that two servers along the way might read in different ways, with HOST for the origin. */
const AMBIGUOUS: [string, string[], number][] = [
  ['another Host', ['GET TARGET/ HTTP/1.1', 'Host: other.example'], 400],
  ['two Hosts', ['GET TARGET/ HTTP/1.1', 'Host: HOST', 'Host: HOST'], 400],
  ['no Host', ['GET TARGET/ HTTP/1.1'], 400],
  ['a Host with user information', ['GET TARGET/ HTTP/1.1', 'Host: user@HOST'], 400],
  [
    'a length and chunks',
    ['POST TARGET/ HTTP/1.1', 'Host: HOST', 'Content-Length: 1', 'Transfer-Encoding: chunked'],
    400,
  ],
  ['two lengths', ['POST TARGET/ HTTP/1.1', 'Host: HOST', 'Content-Length: 1', 'Content-Length: 2'], 400],
  ['an unknown coding', ['POST TARGET/ HTTP/1.1', 'Host: HOST', 'Transfer-Encoding: gzip, chunked'], 400],
  [
    'two codings',
    ['POST TARGET/ HTTP/1.1', 'Host: HOST', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    400,
  ],
  ['a space before a colon', ['GET TARGET/ HTTP/1.1', 'Host: HOST', 'X-A : 1'], 400],
  ['a folded header', ['GET TARGET/ HTTP/1.1', 'Host: HOST', 'X-A: 1', ' X-B: 2'], 400],
  ['a bare line feed', ['GET TARGET/ HTTP/1.1', 'Host: HOST', 'X-A: 1\nX-B: 2'], 400],
  ['headers without end', ['GET TARGET/ HTTP/1.1', 'Host: HOST', `X-A: ${'a'.repeat(20_000)}`], 431],
  ['an upgrade', ['GET TARGET/ HTTP/1.1', 'Host: HOST', 'Connection: Upgrade', 'Upgrade: websocket'], 501],
]

const written = (lines: string[], host: string, target: string) =>
  lines.map(line => line.replace('TARGET', target).replace('HOST', host))

test.each(AMBIGUOUS)('an intercepted request with %s is refused', async (_, lines, status) => {
  const setup = await setUp()
  const answer = await raw(setup, written(lines, setup.authority, ''), '0\r\n\r\n')
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(setup.origin.requests).toEqual([])
})

test.each(AMBIGUOUS)('a plain request with %s is refused', async (_, lines, status) => {
  const origin = await startPlainOrigin(hello)
  const host = `127.0.0.1:${origin.port}`
  const proxy = await startProxy({ config: { connect: { allow: [host] } } })
  const answer = await exchange(proxy.port, `${written(lines, host, `http://${host}`).join('\r\n')}\r\n\r\n0\r\n\r\n`)
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(origin.requests).toEqual([])
})

test.each([
  ['https://other.example/', 400],
  ['http://AUTHORITY/', 400],
  ['https://user@AUTHORITY/', 400],
  ['https://AUTHORITY/', 200],
  ['https://AUTHORITY?x=1', 200],
])('on an intercepted connection %s is answered with %i', async (url, status) => {
  const setup = await setUp()
  const target = url.replace('AUTHORITY', setup.authority)
  const answer = await raw(setup, [`GET ${target} HTTP/1.1`, `Host: ${setup.authority}`, 'Connection: close'])
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
})

test('OPTIONS of a whole server is refused', async () => {
  const setup = await setUp()
  expect(await raw(setup, ['OPTIONS * HTTP/1.1', `Host: ${setup.authority}`])).toMatch(/^HTTP\/1\.1 400 /)
})

test('a refusal under /v2/ has the form of a registry', async () => {
  const setup = await setUp()
  const answer = await raw(setup, ['GET /v2/ HTTP/1.1', 'Host: other.example'])
  expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ errors: [{ code: 'REQUEST_INVALID' }] })
})

test('a path goes to the origin as it was written', async () => {
  const setup = await setUp()
  const path = '/a/../b//c/%2e%2e/%zz;x?y=a|b&z=[1]'
  await raw(setup, [`GET ${path} HTTP/1.1`, `Host: ${setup.authority}`, 'Connection: close'])
  expect(setup.origin.requests.map(({ url }) => url)).toEqual([path])
})

test('CONNECT inside an intercepted connection leads nowhere', async () => {
  const setup = await setUp()
  expect(await raw(setup, [`CONNECT ${setup.authority} HTTP/1.1`, `Host: ${setup.authority}`])).toBe('')
})

test('a client that vanishes in any state leaves the proxy alive', async () => {
  const setup = await setUp()
  const { authority, proxy } = setup
  const beginnings = [
    'C',
    `CONNECT ${authority} HTTP/1.1\r\n`,
    `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03\x01`,
    `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
  ]
  for (const beginning of beginnings) {
    const socket = connect(proxy.port, '127.0.0.1').on('error', () => {})
    await new Promise<void>(resolve => socket.write(beginning, () => resolve()))
    socket.resetAndDestroy()
  }
  const answer = await raw(setup, ['GET / HTTP/1.1', `Host: ${authority}`, 'Connection: close'])
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
})
