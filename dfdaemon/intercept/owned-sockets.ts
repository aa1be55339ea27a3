import type { Duplex } from 'node:stream'

/** Sockets that end with their owner. */
export interface OwnedSockets {
  /** Owns a socket until it is closed. Its errors are nobody else's from now on, so they cannot end the process. */
  add(socket: Duplex): void
  destroyAll(): void
}

/** An owner without sockets. */
export function createOwnedSockets(): OwnedSockets {
  const sockets = new Set<Duplex>()
  return {
    add(socket) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => sockets.delete(socket))
    },
    destroyAll() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
