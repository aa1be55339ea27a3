import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { createByteCount } from './byte-count.ts'
import { askedFor, requestFor, writePieces } from './pieces.ts'
import type { Transport } from './transport.ts'

const HOST = '127.0.0.1'

/** A socket of node:net, in the clear: what the machine has to give. */
export const PLAIN_TCP: Transport = {
  async serve() {
    const server = createServer(socket => {
      let written = Promise.resolve()
      socket.on('data', part => {
        written = written.then(() => writePieces(socket, askedFor(part)))
      })
    }).listen(0, HOST)
    await once(server, 'listening')
    return `${(server.address() as AddressInfo).port}`
  },
  async connect(address) {
    const count = createByteCount()
    const socket = connect(Number(address), HOST)
    await once(socket, 'connect')
    socket.on('data', chunk => count.add(chunk.length))
    socket.on('error', error => count.fail(error))
    socket.on('close', () => count.fail(new Error('the sender closed the connection')))
    return sizeBytes => {
      const whole = count.expect(sizeBytes)
      socket.write(requestFor(sizeBytes))
      return whole
    }
  },
}
