import { BlockList, isIP, type Socket } from 'node:net'
import { DamselflyError } from '../../protocol/errors.ts'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * Lets only the machine itself change things, as long as the API knows no roles.
 * @param what is done, `limits are changed`
 * @throws DamselflyError DENIED
 */
export function checkFromHere({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>, what: string): void {
  const version = isIP(remoteAddress)
  if (version !== 0 && LOOPBACK.check(remoteAddress, version === 6 ? 'ipv6' : 'ipv4')) return
  throw new DamselflyError('DENIED', `${what} only from the machine itself`)
}
