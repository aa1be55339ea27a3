import { BlockList, isIP } from 'node:net'
import { DamselflyError } from '../../protocol/errors.ts'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether a host is the machine itself: an address of the loopback, or `localhost`. @param host as in a URL, also `[::1]` */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  const version = isIP(bare)
  if (version === 0) return bare.toLowerCase() === 'localhost'
  return LOOPBACK.check(bare, version === 6 ? 'ipv6' : 'ipv4')
}

/** Whether a multiaddr is of the loopback, `/ip4/127.0.0.1/tcp/0`. */
export function isLoopbackMultiaddr(address: string): boolean {
  const [, protocol = '', host = ''] = address.split('/')
  return ['ip4', 'ip6'].includes(protocol) && isLoopbackHost(host)
}

/** What a program without tokens and TLS listens on and talks to, by the names of the settings. */
export interface ProgramAddresses {
  /** `host:port`. */
  readonly listen?: Readonly<Record<string, string>>
  readonly multiaddrs?: Readonly<Record<string, readonly string[]>>
  readonly urls?: Readonly<Record<string, string>>
}

/**
 * Keeps what has no protection on this machine.
 * @param why the setting that leaves it without, and what to do instead
 * @throws DamselflyError CONFIG_INVALID that names the setting
 */
export function checkLoopbackOnly({ listen = {}, multiaddrs = {}, urls = {} }: ProgramAddresses, why: string): void {
  const found = [
    ...Object.entries(listen).map(([setting, address]) => ({ setting, address, ok: isLoopbackHost(hostOf(address)) })),
    ...Object.entries(multiaddrs).flatMap(([setting, addresses]) =>
      addresses.map(address => ({ setting, address, ok: isLoopbackMultiaddr(address) })),
    ),
    ...Object.entries(urls).map(([setting, address]) => ({
      setting,
      address,
      ok: URL.canParse(address) && isLoopbackHost(new URL(address).hostname),
    })),
  ]
  const wrong = found.find(({ ok }) => !ok)
  if (wrong === undefined) return
  throw new DamselflyError(
    'CONFIG_INVALID',
    `${wrong.setting} is ${wrong.address}, which is not of the loopback: ${why}`,
  )
}

/** The host of `host:port`. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '')
}
