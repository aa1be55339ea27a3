import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { DamselflyError } from '../../protocol/errors.ts'
import { BLOCKED_ADDRESS } from './connection-error.ts'

/** Link-local addresses and their like carry the metadata services of clouds, which hand out credentials. */
export const LINK_LOCAL_NETWORKS = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254/128', '100.100.100.200/32'] as const

/**
 * A connector that does not connect to blocked networks. Addresses are looked at after name resolution, and the address
 * that was looked at is the one that is connected to, so that a name cannot change its meaning in between.
 * @param networks in CIDR form
 * @throws DamselflyError CONFIG_INVALID for what is not a network
 */
export function createGuardedConnector(
  networks: readonly string[],
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  const blocked = blockListOf(networks)
  const isBlocked = (address: string): boolean => blocked.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

  // node:net's own `blockList` is not applied to TLS sockets.
  const lookup: LookupFunction = (hostname, lookupOptions, callback) => {
    systemLookup(hostname, { ...lookupOptions, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const allowed = addresses.filter(({ address }) => !isBlocked(address))
      const [first] = allowed
      if (first === undefined) return callback(blockedError(), [])
      if (lookupOptions.all === true) return callback(null, allowed satisfies LookupAddress[])
      return callback(null, first.address, first.family)
    })
  }
  const connect = buildConnector({ ...options, lookup })
  return (target, callback) => {
    // An address is connected to without a lookup.
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1')
    if (isIP(host) !== 0 && isBlocked(host)) callback(blockedError(), null)
    else connect(target, callback)
  }
}

function blockedError(): Error & { code: string } {
  return Object.assign(new Error('the address is in a blocked network'), { code: BLOCKED_ADDRESS })
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits = ''] = network.split('/')
    try {
      list.addSubnet(address, Number.parseInt(bits, 10), isIPv6(address) ? 'ipv6' : 'ipv4')
    } catch {
      throw new DamselflyError('CONFIG_INVALID', `"${network}" is not a network in CIDR form`)
    }
  }
  return list
}
