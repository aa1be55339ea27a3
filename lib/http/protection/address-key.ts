import { isIPv6 } from 'node:net'

/** Groups of an IPv6 address that name a network: whoever has one address of a /64 has them all. */
const NETWORK_GROUPS = 4

/**
 * What an address counts as: itself; an IPv6 address as its /64. An IPv4 address in the form of an IPv6 one is the IPv4 address.
 * @param address of a socket; empty for none, as on a Unix socket
 */
export function addressKey(address: string): string {
  const [bare = ''] = address.split('%', 1)
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare) ?? []
  if (mapped !== undefined) return mapped
  return isIPv6(bare) ? `${networkOf(bare)}::/64` : bare
}

function networkOf(address: string): string {
  const [head = '', tail] = address.split('::', 2)
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0')
  const groups = tail === undefined ? before : [...before, ...zeros, ...after]
  return groups
    .slice(0, NETWORK_GROUPS)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')
}
