import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { ProxyAgent, request } from 'undici'
import { onTestFinished } from 'vitest'
import type { InterceptRule } from '../../../../dfdaemon/intercept/config.ts'
import {
  connectThrough,
  startProxy,
  startTlsOrigin,
  type TestOrigin,
  type TestProxy,
  type TestProxyInit,
} from './intercept-fixture.ts'

/** An origin that says hello. */
export const hello: RequestListener = (_request, response) => void response.end('hello')

/** An origin and a proxy that intercepts it. */
export interface Setup {
  readonly origin: TestOrigin
  readonly proxy: TestProxy
  readonly ca: string
  /** `localhost:port` of the origin. */
  readonly authority: string
}

interface SetupInit extends Partial<Omit<TestProxyInit, 'config'>> {
  readonly host?: string
  readonly rules?: InterceptRule[]
}

/** Starts an origin and a proxy that intercepts it. */
export async function setUp(
  handler: RequestListener = hello,
  { host = 'localhost', rules = [], ...init }: SetupInit = {},
): Promise<Setup> {
  const origin = await startTlsOrigin(handler, host)
  const authority = `${host}:${origin.port}`
  const proxy = await startProxy({ caCertificates: [origin.ca], config: { hosts: [authority], rules }, ...init })
  return { origin, proxy, authority, ca: await readFile(`${proxy.directory}/ca.crt`, 'utf8') }
}

/** TLS with the proxy in the origin's place. */
export async function secure({ proxy, authority, ca }: Setup, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = await connectThrough(proxy.port, authority)
  const client = connect({ socket, host: authority.split(':')[0], servername: 'localhost', ca, ...options })
  client.on('error', () => {})
  onTestFinished(() => void client.destroy())
  await once(client, 'secureConnect')
  return client
}

/** Sends a request by hand and returns the answer. */
export async function raw(setup: Setup, lines: string[], body = ''): Promise<string> {
  const client = await secure(setup)
  client.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  return await text(client)
}

/** Sends a request as a client with a proxy setting does. */
export async function ask(setup: Setup, path: string, options: Parameters<typeof request>[1] = {}) {
  const dispatcher = new ProxyAgent({ uri: `http://127.0.0.1:${setup.proxy.port}`, requestTls: { ca: setup.ca } })
  onTestFinished(() => dispatcher.destroy())
  return await request(`https://${setup.authority}${path}`, { ...options, dispatcher })
}

/** Values of a header, as many as there are. */
export function values(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
}
