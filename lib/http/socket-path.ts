import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'

/** What an address of a Unix socket holds on Linux, without the zero at its end (unix(7), `sun_path`). */
const MAX_ADDRESS_BYTES = 107

/** The address of a Unix socket for the system. */
export interface SocketAddress extends AsyncDisposable {
  readonly address: string
}

/**
 * How to bind or connect a Unix socket whatever the length of its path: one that is too long goes by way of its directory, which is
 * open until the address is disposed of.
 * @throws the system's error when its directory cannot be opened
 */
export async function socketAddress(path: string): Promise<SocketAddress> {
  const absolute = resolve(path)
  if (Buffer.byteLength(absolute) <= MAX_ADDRESS_BYTES) return { address: absolute, async [Symbol.asyncDispose]() {} }
  const directory: FileHandle = await open(dirname(absolute), constants.O_RDONLY | constants.O_DIRECTORY)
  return {
    address: join('/proc/self/fd', `${directory.fd}`, basename(absolute)),
    [Symbol.asyncDispose]: () => directory.close(),
  }
}

/** Connects to a Unix socket. @throws the system's error */
export async function connectToSocket(path: string): Promise<Socket> {
  await using target = await socketAddress(path)
  return await new Promise<Socket>((resolve, reject) => {
    const socket = createConnection(target.address)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
