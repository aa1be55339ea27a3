import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What a test server saw of one request. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
}

/** An HTTP server on a free port of the loopback, with a record of its requests and open sockets. */
export interface TestHttpServer {
  /** `http://127.0.0.1:port`, or with the address that was given, without a slash at the end. */
  readonly url: string
  readonly requests: SeenRequest[]
  readonly sockets: Set<Socket>
  close(): Promise<void>
}

/** Answers one request. What it throws, or rejects with, becomes a 599. */
export type TestHandler = (request: IncomingMessage, response: ServerResponse) => unknown

/** Starts a server; the test closes it. @param address of the loopback that it listens on */
export async function startHttpServer(handler: TestHandler, address = '127.0.0.1'): Promise<TestHttpServer> {
  const requests: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const server = createServer(async (request, response) => {
    requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers })
    response.on('error', () => {})
    try {
      await handler(request, response)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else response.writeHead(599).end(String(error))
    }
  })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, address, resolve))
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}`,
    requests,
    sockets,
    close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      return closed
    },
  }
}
