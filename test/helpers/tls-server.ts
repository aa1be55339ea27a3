import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { CertificateAndKey } from '../../lib/tls/certificate.ts'
import { peerOfSocket } from '../../lib/tls/peer-of-socket.ts'

/** An HTTPS server that answers with the PeerId of whoever asks. */
export interface TlsServer extends AsyncDisposable {
  readonly url: string
  /** Requests that it has seen. */
  readonly requests: string[]
}

/** Starts one on a free port of the loopback. */
export async function startTlsServer({ certificate, key }: CertificateAndKey): Promise<TlsServer> {
  const requests: string[] = []
  const server: Server = createServer(
    { cert: certificate, key, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      requests.push(request.url ?? '')
      response.end(JSON.stringify({ peer: peerOfSocket(request.socket) ?? null }))
    },
  )
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>(done => server.close(() => done()))
    },
  }
}
