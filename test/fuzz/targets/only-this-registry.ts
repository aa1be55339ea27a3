import { Socket } from 'node:net'

/**
 * Lets this thread reach nothing over the network but one port of the loopback: inputs name any host, and nobody else is to be fuzzed.
 * Everything else refuses the connection at once.
 * @returns what undoes it
 */
export function onlyReach(port: number): () => void {
  const { connect } = Socket.prototype
  Socket.prototype.connect = function (this: Socket, ...given: unknown[]): Socket {
    const [options] = [given[0]].flat() as [{ port?: unknown; path?: unknown; host?: string } | undefined]
    const isAllowed = options?.path !== undefined || (Number(options?.port) === port && options?.host === '127.0.0.1')
    if (isAllowed) return Reflect.apply(connect, this, given)
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
    setImmediate(() => this.destroy(refused))
    return this
  } as typeof connect
  return () => {
    Socket.prototype.connect = connect
  }
}
