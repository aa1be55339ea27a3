import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Fault, isAboutBody, type OriginRequest, type OriginState, type RequestKind } from './fault.ts'
import { answerWith, askRegistry, type Exchange } from './misdeeds.ts'

/** Where a faulty origin listens and what lies behind it. */
export interface FaultyOriginInit {
  /** The registry that has the content, `http://host:port`. */
  readonly registryUrl: string
  readonly address: string
  readonly port: number
  /** Port of the storage that redirects lead to. */
  readonly storagePort: number
  /** Unix socket of the control interface: `PUT` takes an OriginState, `GET` gives the requests. */
  readonly controlSocket: string
  /** Certificate and key in PEM for whoever asks for Docker Hub by `CONNECT`. */
  readonly dockerHub: { readonly cert: string; readonly key: string }
}

/**
 * An HTTP server in front of a registry that misbehaves as it is told. As a proxy for https it leads to itself, whatever
 * host is asked for, so that a dockerd that goes on to Docker Hub meets the same origin.
 */
export async function startFaultyOrigin(init: FaultyOriginInit): Promise<void> {
  let state: OriginState = { port: 'open', faults: [] }
  const seen = new Set<string>()
  const requests: OriginRequest[] = []

  const handle =
    (asDockerHub: boolean): RequestListener =>
    async (request, response) => {
      const kind = kindOf(request.url ?? '')
      const client = request.socket.remoteAddress ?? ''
      note(kind, request, client, asDockerHub)
      if (kind === 'token') return sendJson(response, { token: TOKEN, access_token: TOKEN, expires_in: 60 })
      const faults = state.port === 'open' ? state.faults.filter(fault => applies(fault, kind, request, client)) : []
      await exchange(request, response, faults)
    }

  async function exchange(request: IncomingMessage, response: ServerResponse, faults: readonly Fault[]) {
    const turn: Exchange = { request, response, origin: init, misdeeds: faults.map(fault => fault.does), token: TOKEN }
    try {
      const ranged = !turn.misdeeds.some(misdeed => misdeed.kind === 'no-ranges')
      await answerWith(turn, () => askRegistry(init.registryUrl, request, { ranged }))
    } catch {
      response.destroy()
    }
  }

  function applies(fault: Fault, kind: string, request: IncomingMessage, client: string): boolean {
    if (fault.on !== kind || (request.method === 'HEAD' && isAboutBody(fault.does))) return false
    if (fault.times === 'always') return true
    const key = `${fault.does.kind} ${client} ${request.method} ${request.url}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  }

  function note(kind: OriginRequest['kind'], { url = '', headers }: IncomingMessage, client: string, hub: boolean) {
    requests.push({ kind, path: url, userAgent: headers['user-agent'] ?? '', client, asDockerHub: hub })
  }

  const main = createServer(handle(false))
  const dockerHub = createTlsServer(init.dockerHub, handle(true))
  main.on('connect', (_request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    dockerHub.emit('connection', socket)
  })
  const storage = createServer((request, response) => {
    note('storage', request, request.socket.remoteAddress ?? '', false)
    if (request.headers.authorization !== undefined) return void response.writeHead(400).end()
    void exchange(request, response, [])
  })

  async function setState(next: OriginState): Promise<void> {
    state = next
    seen.clear()
    requests.length = 0
    if (next.port === 'open' && !main.listening) await listening(main, init.port, init.address)
    if (next.port === 'closed' && main.listening) await closed(main)
  }

  const control = createServer(async (request, response) => {
    if (request.method === 'PUT') await setState(JSON.parse(await text(request)) as OriginState)
    sendJson(response, requests)
  })
  await setState(state)
  await listening(storage, init.storagePort, init.address)
  await new Promise<void>(resolve => control.listen(init.controlSocket, resolve))
}

const TOKEN = 'token-for-everybody'

function kindOf(url: string): RequestKind | 'token' | 'other' {
  const path = url.split('?', 1)[0] ?? ''
  if (path === '/v2' || path === '/v2/') return 'base'
  if (path === '/token') return 'token'
  if (/^\/v2\/.+\/manifests\/[^/]+$/.test(path)) return 'manifest'
  return /^\/v2\/.+\/blobs\/[^/]+$/.test(path) ? 'blob' : 'other'
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function listening(server: Server, port: number, address: string): Promise<void> {
  return new Promise<void>(resolve => server.listen(port, address, resolve))
}

function closed(server: Server): Promise<void> {
  const end = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeAllConnections()
  return end
}
