import { Socket, type SocketConstructorOpts } from 'node:net'

/**
 * Makes a socket read into given memory. Node allows that for sockets that connect (`onread`), and not for those that a server has
 * accepted; so the system's socket gets a new object of Node around it, by the same option that Node's own servers use.
 * @param socket has a connection, and nobody has read from it; it lives as long as the new one and is not to be used any more
 * @param received is called with what has come, good until it returns
 */
export function readInto(socket: Socket, memory: Uint8Array, received: (bytes: Uint8Array) => void): Socket {
  const owner = socket as unknown as { _handle: unknown }
  const onread = {
    buffer: memory,
    callback(byteCount: number) {
      received(memory.subarray(0, byteCount))
      return true
    },
  }
  const reading = new Socket({ handle: owner._handle, onread } as SocketConstructorOpts)
  owner._handle = null
  socket.setTimeout(0)
  // Whoever made the socket has it in its books, and may end it.
  reading.once('close', () => socket.destroy())
  socket.once('close', () => reading.destroy())
  return reading
}
