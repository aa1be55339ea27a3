import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { apiErrorBody } from '../../lib/http/api-server.ts'
import type { DamselflyError } from '../../protocol/errors.ts'
import { mirrorErrorBody } from '../proxy/oci-failure.ts'

/** Answers `CONNECT` with an error. The connection is closed by whoever owns the socket, or by the client. */
export function refuseConnect(socket: Socket, error: DamselflyError): void {
  const body = JSON.stringify(apiErrorBody(error))
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  // Read, so that the client's own end is seen and the socket is free.
  socket.resume()
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/**
 * Answers a proxied request with an error, in the form of the path that was asked for. The connection is not used again, since
 * a body may be on its way that nobody wants.
 */
export function refuseRequest(response: ServerResponse, path: string, error: DamselflyError, status?: number): void {
  const body = JSON.stringify(mirrorErrorBody(error, path))
  response.writeHead(status ?? error.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
