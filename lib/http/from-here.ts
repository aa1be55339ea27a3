import { BlockList, isIP, type Socket } from 'node:net'
import { DamselflyError } from '../../protocol/errors.ts'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/** On a connection that came by a Unix socket. */
const LOCAL: unique symbol = Symbol('local')

/** Notes that a connection came by a Unix socket, which has no address. */
export function markLocal(socket: Socket): void {
  Object.assign(socket, { [LOCAL]: true })
}

/**
 * Lets only the machine itself change things, as long as the API knows no roles.
 * @param what is done, `limits are changed`
 * @throws DamselflyError DENIED
 */
export function checkFromHere(socket: Pick<Socket, 'remoteAddress'>, what: string): void {
  if ((socket as { readonly [LOCAL]?: boolean })[LOCAL] === true) return
  const { remoteAddress = '' } = socket
  const version = isIP(remoteAddress)
  if (version !== 0 && LOOPBACK.check(remoteAddress, version === 6 ? 'ipv6' : 'ipv4')) return
  throw new DamselflyError('DENIED', `${what} only from the machine itself`)
}
