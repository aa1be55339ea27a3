import { chmod, lstat, mkdir, mkdtemp, rename, rmdir, unlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname, join, resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Role } from '../../protocol/roles.ts'
import type { Startable } from '../lifecycle.ts'
import type { Logger } from '../logger.ts'
import { markSocket } from './access/socket-source.ts'
import type { ConnectionGuard } from './protection/connection-guard.ts'
import { connectToSocket, type SocketAddress, socketAddress } from './socket-path.ts'

export interface LocalSocketComponents {
  /** Its routes are answered. It has to be started before. */
  readonly app: FastifyInstance
  readonly logger: Logger
  readonly protection: Pick<ConnectionGuard, 'serverOptions' | 'watch'>
}

/** One Unix socket of an API. */
export interface LocalSocketInit {
  /** None when it is empty. */
  readonly path: string
  /** What whoever connects may do: `local` is for everybody on the machine, `operator` for the owner of the program. */
  readonly role: Extract<Role, 'local' | 'operator'>
  /** What goes without, for the log. */
  readonly without: string
}

const MODES = { local: 0o666, operator: 0o600 } as const
const DIRECTORY_MODES = { local: 0o755, operator: 0o700 } as const

/**
 * Answers an API on a Unix socket, for programs of this machine. Its file mode says who may connect, from the moment on in which it
 * has its name. Where that is not possible the program goes on without, since no pull depends on it.
 */
export function createLocalSocket(
  { app, logger, protection }: LocalSocketComponents,
  init: LocalSocketInit,
): Startable {
  const { path, role, without } = init
  const { serverOptions, watch } = protection
  // An import may take longer than any limit on a whole request.
  const server = createServer({ ...serverOptions, requestTimeout: 0 }, (request, response) =>
    app.routing(request, response),
  )
  watch(server)
  server.on('connection', socket => markSocket(socket, role))
  server.keepAliveTimeout = 75_000
  const target = resolve(path)
  let listening: { readonly inode: number; readonly at: SocketAddress } | undefined

  async function listen(): Promise<void> {
    const directoryMode = DIRECTORY_MODES[role]
    const made = await mkdir(dirname(target), { recursive: true, mode: directoryMode })
    // Whatever the umask.
    if (made !== undefined) await chmod(dirname(target), directoryMode)
    await removeDeadSocket(target)
    // Nobody else gets into this directory, so that nobody connects before the mode is set.
    const nursery = await mkdtemp(join(dirname(target), '.socket-'))
    const born = join(nursery, 'socket')
    const at = await socketAddress(born)
    try {
      await new Promise<void>((done, failed) => server.once('error', failed).listen(at.address, done))
      await chmod(born, MODES[role])
      await rename(born, target)
      listening = { inode: (await lstat(target)).ino, at }
    } catch (error) {
      server.close()
      await unlink(born).catch(() => {})
      await at[Symbol.asyncDispose]()
      throw error
    } finally {
      await rmdir(nursery).catch(() => {})
    }
  }

  return {
    async start() {
      if (path === '' || listening !== undefined) return
      try {
        await listen()
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        logger[role === 'operator' ? 'error' : 'warn'](
          { path: target, code, error: message, without },
          'no local socket',
        )
      }
    },
    async stop() {
      if (listening === undefined) return
      const { inode, at } = listening
      listening = undefined
      const closed = new Promise<void>(done => server.close(() => done()))
      server.closeAllConnections()
      await closed
      await at[Symbol.asyncDispose]()
      // Another program may have taken the name since.
      const state = await lstat(target).catch(() => undefined)
      if (state?.ino === inode) await unlink(target).catch(() => {})
    },
  }
}

/** @throws EADDRINUSE when somebody listens there, or what is there is no socket */
async function removeDeadSocket(path: string): Promise<void> {
  try {
    const socket = await connectToSocket(path)
    socket.destroy()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code === 'ECONNREFUSED' && (await lstat(path)).isSocket()) return unlink(path)
  }
  throw Object.assign(new Error('another program uses it, or it is no socket'), { code: 'EADDRINUSE' })
}
