import { DamselflyError } from '../../protocol/errors.ts'
import { parseListenAddress } from './listen-address.ts'

/**
 * How the machine itself reaches an address that one of its programs listens on, as `http://host:port`.
 * @param flag what to give instead when the port is not fixed
 * @throws DamselflyError CONFIG_INVALID
 */
export function localUrl(listen: string, flag: string): string {
  const { host, port } = parseListenAddress(listen)
  if (port === 0) {
    throw new DamselflyError('CONFIG_INVALID', `it listens on a port that changes; give it one, or give ${flag}`)
  }
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}
