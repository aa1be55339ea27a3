import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { Value } from 'typebox/value'
import { onTestFinished } from 'vitest'
import type { AnswerContent } from '../../../../dfdaemon/intercept/answer-proxied.ts'
import { makeCertificateAuthority, makeLeaf } from '../../../../dfdaemon/intercept/certificates.ts'
import { InterceptConfig } from '../../../../dfdaemon/intercept/config.ts'
import {
  createInterceptor,
  type Interceptor,
  type InterceptorInit,
} from '../../../../dfdaemon/intercept/create-interceptor.ts'
import { INTERCEPT_METRICS } from '../../../../dfdaemon/intercept/metrics.ts'
import { type Clock, systemClock } from '../../../../lib/clock.ts'
import { type Logger, silentLogger } from '../../../../lib/logger.ts'
import { createMetrics } from '../../../../lib/metrics.ts'
import type { OutboundPolicy } from '../../../../lib/origin/outbound/policy.ts'
import { testGuard } from '../../../helpers/connection-guard.ts'
import { trialPolicy } from '../../../helpers/outbound.ts'
import { createScratchDirectory } from '../../../helpers/scratch-directory.ts'

/** A request as an origin received it. */
export interface ReceivedRequest {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingMessage['headers']
}

/** A server that clients want to reach. */
export interface TestOrigin {
  readonly port: number
  /** PEM of the authority behind its certificate; empty for plain http. */
  readonly ca: string
  readonly requests: ReceivedRequest[]
}

/** Settings as somebody would write them. */
export type WrittenConfig = Omit<Partial<InterceptConfig>, 'connect'> & {
  connect?: Partial<InterceptConfig['connect']>
}

/** A complete configuration, switched on. */
export function interceptConfig(written: WrittenConfig): InterceptConfig {
  return Value.Parse(InterceptConfig, Value.Default(InterceptConfig, { enabled: true, ...written }))
}

/** Times around now. */
export function validNow(forMs = 3_600_000): { notBeforeMs: number; notAfterMs: number } {
  return { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + forMs }
}

/** Starts an https server with a certificate for a host, for the running test only. */
export async function startTlsOrigin(handler: RequestListener, host: string): Promise<TestOrigin> {
  const authority = await makeCertificateAuthority([host], validNow())
  const { certificate: cert, key } = await makeLeaf(authority, host, validNow())
  const requests: ReceivedRequest[] = []
  const server = createHttpsServer({ cert, key }, recording(requests, handler))
  return { port: await listening(server), ca: authority.certificate, requests }
}

/** Starts a plain http server, for the running test only. */
export async function startPlainOrigin(handler: RequestListener): Promise<TestOrigin> {
  const requests: ReceivedRequest[] = []
  return { port: await listening(createServer(recording(requests, handler))), ca: '', requests }
}

function recording(requests: ReceivedRequest[], handler: RequestListener): RequestListener {
  return (request, response) => {
    const { method, url, rawHeaders, headers } = request
    requests.push({ method, url, rawHeaders, headers })
    handler(request, response)
  }
}

/** Listens on a free port of the loopback until the test is over. */
export async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    const closed = new Promise(resolve => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  })
  return (server.address() as AddressInfo).port
}

/** A running proxy. */
export interface TestProxy {
  readonly port: number
  readonly interceptor: Interceptor
  /** Directory of the certificate authority. */
  readonly directory: string
  /** How many client connections are open. */
  connections(): Promise<number>
  /** How often an outcome was counted. */
  counted(kind: 'connects' | 'requests', outcome: string): Promise<number>
}

/** What a test replaces in a proxy. */
export interface TestProxyInit extends Omit<InterceptorInit, 'config' | 'dataDir' | 'outbound'> {
  readonly config: WrittenConfig
  /** That of a trial by default. */
  readonly outbound?: OutboundPolicy
  readonly answerContent?: AnswerContent
  readonly clock?: Clock
  readonly logger?: Logger
  readonly dataDir?: string
}

/** Starts a daemon's HTTP server, which answers `own`, with a proxy attached; for the running test only. */
export async function startProxy(init: TestProxyInit): Promise<TestProxy> {
  const { config, answerContent = refuseContent, clock = systemClock, logger = silentLogger(), ...rest } = init
  const dataDir = rest.dataDir ?? (await scratch())
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    response.end(`own ${request.url}`)
  })
  const metrics = createMetrics(INTERCEPT_METRICS)
  const interceptor = createInterceptor(
    { clock, logger, metrics, answerContent, protection: testGuard() },
    { outbound: trialPolicy(), ...rest, config: interceptConfig(config), dataDir },
  )
  interceptor.attach(server)
  const port = await listening(server)
  onTestFinished(() => interceptor.stop())
  await interceptor.start()
  return {
    port,
    interceptor,
    directory: `${dataDir}/intercept`,
    connections: () => promisify(server.getConnections.bind(server))(),
    async counted(kind, outcome) {
      const line = `damselfly_dfdaemon_proxy_${kind}_total{outcome="${outcome}"} `
      const found = (await metrics.text()).split('\n').find(text => text.startsWith(line))
      return Number(found?.slice(line.length) ?? 0)
    },
  }
}

/** A directory for the running test. */
export async function scratch(): Promise<string> {
  const directory = await createScratchDirectory()
  onTestFinished(() => directory[Symbol.asyncDispose]())
  return directory.path
}

const refuseContent: AnswerContent = async () => {
  throw new Error('there is no swarm')
}

/** A connection to a port of the loopback, whose two directions end separately; for the running test only. */
export async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return socket
}

/** Sends bytes and returns everything that comes back until the other side ends. */
export async function exchange(port: number, bytes: string): Promise<string> {
  const socket = await dial(port)
  socket.write(bytes)
  return await text(socket)
}

/** Reads up to and including what is awaited. What came after it stays to be read. */
export function readUntil(socket: Socket, awaited: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk])
      const at = seen.indexOf(awaited)
      if (at < 0) return
      socket.off('data', onData)
      socket.pause()
      const end = at + awaited.length
      if (end < seen.length) socket.unshift(seen.subarray(end))
      resolve(seen.toString('latin1', 0, end))
    }
    socket.on('data', onData)
    socket.once('close', () => reject(new Error(`closed after "${seen}"`)))
  })
}

/** Asks a proxy for a connection and returns it once it stands. */
export async function connectThrough(
  proxyPort: number,
  authority: string,
  head: string | Buffer = '',
): Promise<Socket> {
  const socket = await dial(proxyPort)
  const request = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`
  socket.write(Buffer.concat([Buffer.from(request), Buffer.from(head)]))
  const answer = await readUntil(socket, '\r\n\r\n')
  if (!answer.startsWith('HTTP/1.1 200')) throw new Error(answer)
  return socket
}
