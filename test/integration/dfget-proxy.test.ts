import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, request as forward } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { contentHandler, createDfgetUser, serveForTest } from '../helpers/dfget-user.ts'
import { patternBytes } from '../helpers/registry-mock.ts'
import { createSelfSigned } from '../helpers/self-signed.ts'

const CONTENT = patternBytes(700_000)
const serve = contentHandler(CONTENT)

/** Makes a user for the running test. */
async function userWith(variables: Record<string, string> = {}) {
  const user = await createDfgetUser(variables)
  onTestFinished(() => user[Symbol.asyncDispose]())
  return { ...user, content: () => readFile(join(user.home, 'a')) }
}

/** What a proxy says to everybody instead of doing its work. */
interface ProxyInit {
  readonly refuses?: number
}

/** Starts an HTTP proxy (RFC 9110 §3.7, §9.3.6) for the running test, which notes what it is asked for. */
async function startProxy({ refuses }: ProxyInit = {}) {
  const asked: string[] = []
  const accounts = new Set<string | undefined>()
  const sockets = new Set<{ destroy(): unknown }>()
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    accounts.add(request.headers['proxy-authorization'])
    if (refuses !== undefined) return response.writeHead(refuses).end()
    const { 'proxy-authorization': _own, ...headers } = request.headers
    const onward = forward(request.url ?? '', { method: request.method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    return onward.on('error', () => response.writeHead(502).end()).end()
  })
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`)
    accounts.add(request.headers['proxy-authorization'])
    socket.on('error', () => {})
    if (refuses !== undefined) return socket.end(`HTTP/1.1 ${refuses} No\r\nContent-Length: 0\r\n\r\n`)
    const [host = '', port] = (request.url ?? '').split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    sockets.add(onward)
    return onward.on('error', () => socket.destroy())
  })
  server.on('connection', socket => sockets.add(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, at: `127.0.0.1:${port}`, asked, accounts }
}

async function startTlsOrigin() {
  const certificate = createSelfSigned()
  const server = createTlsServer(certificate, serve)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, cert: certificate.cert }
}

test('--proxy takes plain requests as they are, with the account of its URL', async () => {
  const [user, server, proxy] = [await userWith(), await serveForTest(serve), await startProxy()]
  const { code, stderr } = await user.run('--proxy', `http://user:p%40ss@${proxy.at}`, `${server.url}/a`)
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^a: /) })
  expect(await user.content()).toEqual(Buffer.from(CONTENT))
  expect(proxy.asked).toEqual([`GET ${server.url}/a`])
  expect([...proxy.accounts]).toEqual([`Basic ${btoa('user:p@ss')}`])
  expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization')
})

test('--proxy makes tunnels for https, through which --cacert is what counts', async () => {
  const [user, origin, proxy] = [await userWith(), await startTlsOrigin(), await startProxy()]
  await writeFile(join(user.home, 'ca.pem'), origin.cert)
  const url = `https://${origin.host}/a`
  const distrusted = await user.run('-x', proxy.url, url)
  expect(distrusted).toMatchObject({
    code: 60,
    stderr: expect.stringMatching(/^dfget: [^\n]+--cacert names a file[^\n]+\n$/),
  })
  expect(await user.run('-x', proxy.url, '--quiet', '--cacert', 'ca.pem', url)).toMatchObject({ code: 0, stderr: '' })
  expect(await user.content()).toEqual(Buffer.from(CONTENT))
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${origin.host}`]))
})

test.each([403, 407])('a proxy that answers %d is said to', async status => {
  const [user, proxy] = [await userWith(), await startProxy({ refuses: status })]
  for (const url of ['http://origin.invalid/a', 'https://origin.invalid/a']) {
    const { code, stderr } = await user.run('--retry', '0', '--proxy', proxy.url, url)
    expect(stderr).toMatch(/^dfget: [^\n]*(the proxy|origin\.invalid) answered \d+[^\n]*\n$/)
    expect(stderr).toContain(`answered ${status}`)
    expect([7, 22]).toContain(code)
  }
  expect((await user.leftovers()).files).toEqual([])
})

test('a proxy that is down, unknown or no URL ends it with one line', async () => {
  const user = await userWith()
  for (const [proxy, expected] of [
    ['http://127.0.0.1:1', 7],
    ['http://nowhere.invalid:3128', 6],
    ['http://[', 2],
    ['http://:3128', 2],
    ['socks5://127.0.0.1:1', 2],
  ] as const) {
    for (const url of expected === 2 ? ['http://127.0.0.1:2/a'] : ['http://127.0.0.1:2/a', 'https://127.0.0.1:2/a']) {
      const { code, stderr } = await user.run('--proxy', proxy, url)
      expect({ proxy, code, stderr }).toEqual({
        proxy,
        code: expected,
        stderr: expect.stringMatching(/^dfget: [^\n]+\n$/),
      })
    }
  }
})

test('the environment names a proxy, and what goes past it', async () => {
  const [server, proxy] = [await serveForTest(serve), await startProxy()]
  // As curl takes it, too.
  const proxied = await userWith({ http_proxy: proxy.at })
  expect((await proxied.run('--quiet', `${server.url}/a`)).code).toBe(0)
  expect(proxy.asked).toEqual([`GET ${server.url}/a`])
  const past = await userWith({ http_proxy: proxy.url, no_proxy: 'other.example,127.0.0.1' })
  expect((await past.run('--quiet', `${server.url}/a`)).code).toBe(0)
  expect(proxy.asked).toHaveLength(1)
  const wrong = await userWith({ http_proxy: 'http://[' })
  const { code, stderr } = await wrong.run(`${server.url}/a`)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^dfget: [^\n]*http_proxy[^\n]*\n$/) })
})
