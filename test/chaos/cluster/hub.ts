import { createServer, type Socket } from 'node:net'
import { waitFor } from '../../helpers/wait.ts'
import { readLines } from './lines.ts'

/**
 * Where the run's own processes report and get their orders: a Unix socket, whose path leads out of any network namespace, and one
 * JSON object on each line. A process names itself in its first line; one of the same name takes its place.
 */
export interface Hub extends AsyncDisposable {
  readonly path: string
  /** Calls back with all that processes of this name say. */
  on(name: string, heard: (message: unknown) => void): void
  /** Does nothing when there is no such process. */
  send(name: string, message: object): void
  /** @throws Error when none of this name comes in time */
  untilConnected(name: string, options: { timeoutMs: number }): Promise<void>
}

/** Starts to listen. */
export async function openHub(path: string): Promise<Hub> {
  const connected = new Map<string, Socket>()
  const listeners = new Map<string, (message: unknown) => void>()
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    let name: string | undefined
    sockets.add(socket)
    // A process that is killed may leave a reset behind.
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      if (name !== undefined && connected.get(name) === socket) connected.delete(name)
    })
    readLines(socket, message => {
      if (name === undefined) {
        name = (message as { name: string }).name
        connected.set(name, socket)
      } else listeners.get(name)?.(message)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return {
    path,
    on: (name, heard) => void listeners.set(name, heard),
    send: (name, message) => void connected.get(name)?.write(`${JSON.stringify(message)}\n`),
    async untilConnected(name, { timeoutMs }) {
      await waitFor(() => connected.has(name), { timeoutMs, what: `${name} to connect` })
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
