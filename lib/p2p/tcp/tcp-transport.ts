import type { Socket } from 'node:net'
import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { type TCPComponents, tcp } from '@libp2p/tcp'
import { TcpConnection } from './tcp-connection.ts'

/** As much as is read at a time, for all connections of a node in turn. 1 MiB was no faster. */
const READ_BYTES = 512 * 1024

/** What libp2p's TCP transport makes of a socket. */
interface SocketConnection extends MultiaddrConnection {
  readonly socket: Socket
}

/** Libp2p's TCP transport, whose connections read into the same memory again and again (docs/decisions/0014). */
export function tcpTransport(): (components: TCPComponents) => Transport {
  return components => {
    const transport = tcp()(components)
    const memory = Buffer.allocUnsafeSlow(READ_BYTES)

    function takeOver(connection: MultiaddrConnection): TcpConnection {
      const { socket, remoteAddr, direction, log } = connection as SocketConnection
      return new TcpConnection({ socket, memory, remoteAddr, direction, log })
    }

    /** Of an upgrader the transport uses no more than these. */
    function upgraderFor(upgrader: Upgrader): Upgrader {
      const methods: Pick<Upgrader, 'upgradeInbound' | 'upgradeOutbound'> = {
        upgradeInbound: (connection, options) => upgrader.upgradeInbound(takeOver(connection), options),
        upgradeOutbound: (connection, options) => upgrader.upgradeOutbound(takeOver(connection), options),
      }
      return methods as Upgrader
    }

    const { dial, createListener } = transport
    transport.dial = (address, options) =>
      dial.call(transport, address, { ...options, upgrader: upgraderFor(options.upgrader) })
    transport.createListener = options =>
      createListener.call(transport, { ...options, upgrader: upgraderFor(options.upgrader) })
    return transport
  }
}
