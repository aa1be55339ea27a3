import { chmod, mkdir, unlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createConnection, type Socket } from 'node:net'
import { dirname, resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Startable } from '../lifecycle.ts'
import type { Logger } from '../logger.ts'
import { markLocal } from './from-here.ts'

export interface LocalSocketComponents {
  /** Its routes are answered. It has to be started before. */
  readonly app: FastifyInstance
  readonly logger: Logger
}

/** Everybody on the machine may connect, as to a port of the loopback. */
const MODE = 0o666

/**
 * Answers an API on a Unix socket, for the programs of this machine. Where that is not possible the program goes on without, since
 * nothing but their convenience depends on it.
 * @param path of the socket; none when it is empty
 */
export function createLocalSocket({ app, logger }: LocalSocketComponents, path: string): Startable {
  const server = createServer((request, response) => app.routing(request, response))
  server.on('connection', markLocal)
  server.keepAliveTimeout = 75_000
  let listening = false
  return {
    async start() {
      if (path === '' || listening) return
      const target = resolve(path)
      try {
        await mkdir(dirname(target), { recursive: true, mode: 0o755 })
        await removeDeadSocket(target)
        await new Promise<void>((done, failed) => server.once('error', failed).listen(target, done))
        await chmod(target, MODE)
        listening = true
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        logger.warn({ path: target, code, error: message }, 'no local socket: dfget works without this dfdaemon')
        server.close()
      }
    },
    async stop() {
      if (!listening) return
      listening = false
      server.closeAllConnections()
      await new Promise<void>(done => server.close(() => done()))
    },
  }
}

/** @throws EADDRINUSE when somebody listens there, or what is there is no socket */
async function removeDeadSocket(path: string): Promise<void> {
  const state = await new Promise<'free' | 'dead' | 'used'>(done => {
    const socket: Socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      done('used')
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      done(error.code === 'ENOENT' ? 'free' : error.code === 'ECONNREFUSED' ? 'dead' : 'used')
    })
  })
  if (state === 'used') throw Object.assign(new Error('another program uses it'), { code: 'EADDRINUSE' })
  if (state === 'dead') await unlink(path)
}
