import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, createServer, get, type RequestOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSelfSigned } from '../../../test/helpers/self-signed.ts'
import { writePieces } from './pieces.ts'
import type { Transport } from './transport.ts'

const HOST = '127.0.0.1'

interface Address {
  readonly port: number
  /** What the server shows, and the only one that the client believes. */
  readonly cert: string
}

/** A body of node:https: what a registry beside the swarm would do. The path of a request is the size of the answer. */
export const PLAIN_HTTPS: Transport = {
  async serve() {
    const { cert, key } = createSelfSigned()
    const server = createServer({ cert, key }, async ({ url = '' }, response) => {
      const sizeBytes = Number(url.slice(1))
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': `${sizeBytes}` })
      await writePieces(response, sizeBytes)
      response.end()
    }).listen(0, HOST)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return JSON.stringify({ port, cert } satisfies Address)
  },
  async connect(address) {
    const { port, cert } = JSON.parse(address) as Address
    const agent = new Agent({ ca: cert, keepAlive: true, maxSockets: 1 })
    return sizeBytes => receive({ host: HOST, port, agent, path: `/${sizeBytes}` }, sizeBytes)
  },
}

async function receive(init: RequestOptions, sizeBytes: number): Promise<void> {
  const request = get(init)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let received = 0
  response.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  await once(response, 'end')
  if (received !== sizeBytes) throw new Error(`asked for ${sizeBytes} bytes, got ${received}`)
}
