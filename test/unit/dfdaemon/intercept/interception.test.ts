import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { waitFor } from '../../../helpers/wait.ts'
import { connectThrough, startPlainOrigin } from './intercept-fixture.ts'
import { ask, hello, raw, secure, setUp, values } from './intercepted-origin.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const BLOB = `/v2/library/demo/blobs/${DIGEST}`

test('a request reaches the origin with the credentials of the client, its answer the client', async () => {
  const setup = await setUp((_request, response) => {
    response.writeHead(201, { 'X-Answer': 'yes', 'Set-Cookie': ['a=1', 'b=2'], 'Content-Encoding': 'gzip' })
    response.end('not really gzip')
  })
  const answer = await ask(setup, '/v2/library/demo/manifests/v1?x=%2F', { headers: { authorization: 'Bearer token' } })
  expect(answer.statusCode).toBe(201)
  expect(answer.headers).toMatchObject({ 'x-answer': 'yes', 'set-cookie': ['a=1', 'b=2'], 'content-encoding': 'gzip' })
  expect(await answer.body.text()).toBe('not really gzip')
  expect(setup.origin.requests).toMatchObject([
    {
      method: 'GET',
      url: '/v2/library/demo/manifests/v1?x=%2F',
      headers: { authorization: 'Bearer token', host: setup.authority },
    },
  ])
  expect(await setup.proxy.counted('connects', 'intercepted')).toBe(1)
  expect(await setup.proxy.counted('requests', 'direct')).toBe(1)
})

test('headers are sent on as they are, but for those of the connection', async () => {
  const setup = await setUp((_request, response) => {
    response.writeHead(200, { Connection: 'close, X-Hop', 'X-Hop': '1', 'X-Last': '2' }).end()
  })
  const answer = await raw(setup, [
    'GET / HTTP/1.1',
    `Host: ${setup.authority}`,
    'Accept: application/a',
    'Accept: application/b',
    'Connection: close, X-Private, Host',
    'X-Private: 1',
    'X-Kept: 2',
    'Proxy-Authorization: Basic xyz',
    'Proxy-Connection: keep-alive',
    'TE: trailers',
    'Upgrade: h2c',
    'HTTP2-Settings: abc',
  ])
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(answer).toMatch(/^X-Last: 2\r$/m)
  expect(answer).not.toMatch(/x-hop/i)
  const [{ rawHeaders = [] } = {}] = setup.origin.requests
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map(name => name.toLowerCase())
  expect(names.sort()).toEqual(['accept', 'accept', 'connection', 'host', 'x-kept'])
  expect(values(rawHeaders, 'accept')).toEqual(['application/a', 'application/b'])
  expect(values(rawHeaders, 'host')).toEqual([setup.authority])
})

test('redirects and refusals are the client’s to deal with', async () => {
  const setup = await setUp((incoming, response) => {
    if (incoming.url === '/redirect') response.writeHead(307, { location: 'https://elsewhere.example/' }).end()
    else response.writeHead(401, { 'www-authenticate': 'Bearer realm="https://auth.example/"' }).end('{}')
  })
  const redirect = await ask(setup, '/redirect')
  expect([redirect.statusCode, redirect.headers.location]).toEqual([307, 'https://elsewhere.example/'])
  const refusal = await ask(setup, '/v2/')
  expect([refusal.statusCode, refusal.headers['www-authenticate']]).toEqual([
    401,
    'Bearer realm="https://auth.example/"',
  ])
})

test('HEAD has the length and no body', async () => {
  const setup = await setUp((_request, response) => void response.writeHead(200, { 'content-length': 1234 }).end())
  const answer = await ask(setup, BLOB, { method: 'HEAD' })
  expect([answer.statusCode, answer.headers['content-length']]).toEqual([200, '1234'])
  expect(setup.origin.requests).toMatchObject([{ method: 'HEAD' }])
})

test('only HTTP/1.1 is offered', async () => {
  const setup = await setUp()
  expect((await secure(setup, { ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol).toBe('http/1.1')
  await expect(secure(setup, { ALPNProtocols: ['h2'] })).rejects.toThrow(/no application protocol/)
})

test('a second connection resumes the session of the first', async () => {
  const setup = await setUp()
  const first = await secure(setup)
  first.write(`GET / HTTP/1.1\r\nHost: ${setup.authority}\r\nConnection: close\r\n\r\n`)
  const [session] = (await once(first, 'session')) as [Buffer]
  expect(first.isSessionReused()).toBe(false)
  expect((await secure(setup, { session })).isSessionReused()).toBe(true)
})

test('the TLS that a client sends along with CONNECT is not lost', async () => {
  const setup = await setUp()
  // A connection that goes nowhere shows what a client begins with.
  const { promise: clientHello, resolve } = Promise.withResolvers<Buffer>()
  const nowhere = new Duplex({ read() {}, write: (chunk: Buffer) => resolve(chunk) })
  const client = connect({ socket: nowhere, servername: 'localhost' }).on('error', () => {})
  onTestFinished(() => void client.destroy())
  const socket = await connectThrough(setup.proxy.port, setup.authority, await clientHello)
  // 0x16: a handshake message, the server's hello.
  const [answer] = (await once(socket.resume(), 'data')) as [Buffer]
  expect(answer[0]).toBe(0x16)
})

test('a host that is an address is intercepted too, although clients do not name it in TLS', async () => {
  const setup = await setUp(hello, { host: '127.0.0.1' })
  const answer = await ask(setup, '/')
  expect(await answer.body.text()).toBe('hello')
})

test('one connection serves several requests', async () => {
  const setup = await setUp()
  const client = await secure(setup)
  const get = `GET / HTTP/1.1\r\nHost: ${setup.authority}\r\n\r\n`
  client.write(get + get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  expect((await text(client)).match(/HTTP\/1\.1 200/g)).toHaveLength(2)
})

test('a client that does not trust the authority gets nowhere', async () => {
  const setup = await setUp()
  await expect(secure(setup, { ca: setup.origin.ca })).rejects.toMatchObject({
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  })
})

test('a handshake that fails is counted', async () => {
  const setup = await setUp()
  // An alert in the place of the client's hello: fatal, unknown authority (RFC 8446 §6).
  const socket = await connectThrough(setup.proxy.port, setup.authority, Buffer.from('15030300020230', 'hex'))
  socket.resume()
  await waitFor(() => setup.proxy.counted('connects', 'untrusted'), { timeoutMs: 5_000 })
  expect(await setup.proxy.counted('connects', 'intercepted')).toBe(0)
})

test('an origin whose certificate is not trusted is not asked', async () => {
  const setup = await setUp(hello, { caCertificates: [] })
  const answer = await ask(setup, '/v2/')
  expect(answer.statusCode).toBe(502)
  expect(await answer.body.json()).toMatchObject({ errors: [{ code: 'ORIGIN_UNREACHABLE' }] })
  expect(setup.origin.requests).toEqual([])
})

test.each([
  ['POST', { 'content-length': '12' }],
  ['PATCH', { 'transfer-encoding': 'chunked' }],
  ['PUT', { 'content-length': '12', expect: '100-continue' }],
])('%s bodies are streamed, with %j', async (method, headers) => {
  const first = Promise.withResolvers<string>()
  const whole = Promise.withResolvers<string>()
  const setup = await setUp(async (incoming, response) => {
    incoming.once('data', chunk => first.resolve(String(chunk)))
    whole.resolve(await text(incoming))
    response.writeHead(202, { location: '/next' }).end()
  })
  const client = await secure(setup)
  const head = Object.entries({ host: setup.authority, connection: 'close', ...headers }).map(([k, v]) => `${k}: ${v}`)
  const chunked = 'transfer-encoding' in headers
  const piece = (piece: string) => (chunked ? `${piece.length}\r\n${piece}\r\n` : piece)
  client.write(`${method} /upload HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${piece('first ')}`)
  // The origin has the beginning while the client has not sent the rest yet.
  expect(await first.promise).toBe('first ')
  client.write(piece('second') + (chunked ? '0\r\n\r\n' : ''))
  expect(await whole.promise).toBe('first second')
  const answer = await text(client)
  expect(answer).toMatch(/HTTP\/1\.1 202 /)
  expect(answer).toMatch(/location: \/next/i)
  const sent = setup.origin.requests[0]?.headers
  expect(sent).toMatchObject(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': '12' })
})

test('an upload that is empty stays one', async () => {
  const setup = await setUp((_request, response) => void response.writeHead(202).end())
  await raw(setup, ['POST /x HTTP/1.1', `Host: ${setup.authority}`, 'Content-Length: 0', 'Connection: close'])
  expect(setup.origin.requests[0]?.headers).toMatchObject({ 'content-length': '0' })
})

test('a client cannot take the length out of an upload', async () => {
  const setup = await setUp((_request, response) => void response.writeHead(202).end())
  const lines = [
    'POST /x HTTP/1.1',
    `Host: ${setup.authority}`,
    'Content-Length: 5',
    'Connection: close, Content-Length',
  ]
  expect(await raw(setup, lines, 'bytes')).toMatch(/^HTTP\/1\.1 202 /)
  expect(setup.origin.requests[0]?.headers).toMatchObject({ 'content-length': '5' })
})

test('requests that can be repeated share a connection to the origin, uploads have one each', async () => {
  const ports: Record<string, Set<number | undefined>> = { GET: new Set(), POST: new Set() }
  const setup = await setUp((incoming, response) => {
    ports[incoming.method ?? '']?.add(incoming.socket.remotePort)
    response.end()
  })
  for (const method of ['GET', 'POST', 'GET', 'POST'] as const) {
    await (await ask(setup, '/', { method, ...(method === 'POST' && { body: 'bytes' }) })).body.dump()
  }
  expect([ports.GET?.size, ports.POST?.size]).toEqual([1, 2])
})

test('an answer before the end of an upload reaches the client', async () => {
  const setup = await setUp(
    (_request, response) => void response.writeHead(413, { connection: 'close' }).end('too much'),
  )
  const client = await secure(setup)
  const answer = text(client)
  client.write(`PUT /x HTTP/1.1\r\nHost: ${setup.authority}\r\nContent-Length: 100000000\r\n\r\n`)
  const piece = Buffer.alloc(64 * 1024)
  const writeMore = () => {
    if (client.writable) client.write(piece, writeMore)
  }
  writeMore()
  expect(await answer).toMatch(/^HTTP\/1\.1 413 .*too much/s)
})

test('an upload to an origin that is gone is answered', async () => {
  const setup = await setUp(hello, { caCertificates: [] })
  const client = await secure(setup)
  client.write(`PUT /v2/x HTTP/1.1\r\nHost: ${setup.authority}\r\nContent-Length: 1000000\r\n\r\nbeginning`)
  expect(await text(client)).toMatch(/^HTTP\/1\.1 502 .*ORIGIN_UNREACHABLE/s)
})

test('an answer that breaks off at the origin breaks off at the client', async () => {
  const setup = await setUp((_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half', () => response.destroy())
  })
  const answer = await ask(setup, '/file')
  await expect(answer.body.text()).rejects.toThrow()
})

test('a client that hangs up ends the request at the origin', async () => {
  const closed = Promise.withResolvers<void>()
  const setup = await setUp((_request, response) => {
    response.once('close', closed.resolve)
    response.write('beginning')
  })
  const answer = await ask(setup, '/file')
  await once(answer.body, 'data')
  answer.body.destroy()
  await closed.promise
})

test('so does one that hangs up while it waits for the answer', async () => {
  const asked = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const setup = await setUp((_request, response) => {
    response.once('close', closed.resolve)
    asked.resolve()
  })
  const client = await secure(setup)
  client.write(`GET / HTTP/1.1\r\nHost: ${setup.authority}\r\n\r\n`)
  await asked.promise
  client.destroy()
  await closed.promise
})

test('blobs come through the swarm, with the credentials of the client', async () => {
  const asked: unknown[] = []
  const setup = await setUp(hello, {
    answerContent: async (_request, response, target) => {
      asked.push(target)
      response.end('from the swarm')
    },
  })
  const headers = { authorization: 'Bearer token', 'x-other': '1' }
  expect(await (await ask(setup, BLOB, { headers })).body.text()).toBe('from the swarm')
  const url = `https://${setup.authority}${BLOB}`
  expect(asked).toEqual([{ url, headers: { authorization: 'Bearer token' }, digest: DIGEST }])
  expect(setup.origin.requests).toEqual([])
  expect(await setup.proxy.counted('requests', 'swarm')).toBe(1)
})

test('what the swarm cannot begin, the origin answers', async () => {
  const setup = await setUp(hello, {
    answerContent: async () => {
      throw new Error('the swarm is empty')
    },
  })
  expect(await (await ask(setup, BLOB)).body.text()).toBe('hello')
})

test('what the swarm has begun and cannot finish is cut off', async () => {
  const setup = await setUp(hello, {
    answerContent: async (_request, response) => {
      await new Promise<void>(resolve => {
        response.writeHead(200, { 'content-length': 10 }).write('half', () => resolve())
      })
      throw new Error('the swarm has lost it')
    },
  })
  await expect(ask(setup, BLOB).then(({ body }) => body.text())).rejects.toThrow()
  expect(setup.origin.requests).toEqual([])
})

test('files come through the swarm where a rule says so', async () => {
  const asked: unknown[] = []
  const setup = await setUp(hello, {
    rules: [{ regex: '/file$', action: 'p2p' }],
    answerContent: async (_request, response, target) => {
      asked.push(target)
      response.end('from the swarm')
    },
  })
  const headers = { accept: 'text/plain', 'x-other': '1' }
  expect(await (await ask(setup, '/file', { headers })).body.text()).toBe('from the swarm')
  expect(await (await ask(setup, '/file2', { headers })).body.text()).toBe('hello')
  const url = `https://${setup.authority}/file`
  expect(asked).toEqual([{ url, headers: { accept: 'text/plain' }, digest: undefined }])
})

test.each<[string, Record<string, string>]>([
  ['conditions', { 'if-none-match': '"x"' }],
  ['credentials', { authorization: 'Basic abc' }],
  ['cookies', { cookie: 'session=1' }],
])('a file that is asked for with %s comes from the origin', async (_, headers) => {
  const setup = await setUp(hello, {
    rules: [{ regex: '/file$', action: 'p2p' }],
    answerContent: async (_request, response) => void response.end('from the swarm'),
  })
  expect(await (await ask(setup, '/file', { headers })).body.text()).toBe('hello')
})

test.each([
  [false, undefined],
  [true, 'Bearer token'],
])('another origin gets what it is redirected; credentials: %s', async (forwardCredentials, authorization) => {
  const other = await startPlainOrigin((_request, response) => void response.end('the other'))
  const redirect = `http://127.0.0.1:${other.port}`
  const setup = await setUp(hello, { rules: [{ regex: '/v2/', action: 'redirect', redirect, forwardCredentials }] })
  const answer = await ask(setup, '/v2/?x', { headers: { authorization: 'Bearer token' } })
  expect(await answer.body.text()).toBe('the other')
  expect(other.requests).toMatchObject([{ url: '/v2/?x', headers: { host: `127.0.0.1:${other.port}` } }])
  expect(other.requests[0]?.headers.authorization).toBe(authorization)
  expect(setup.origin.requests).toEqual([])
})

test('the settings of a host say whose certificates it may have', async () => {
  const origins: string[] = []
  let ca = ''
  const setup = await setUp(hello, {
    caCertificates: [],
    tlsFor: host => {
      origins.push(host)
      return { ca }
    },
  })
  ca = setup.origin.ca
  expect(await (await ask(setup, '/')).body.text()).toBe('hello')
  expect(origins).toEqual([setup.authority])
})
