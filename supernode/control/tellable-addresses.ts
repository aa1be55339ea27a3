import { isIP } from 'node:net'
import { isLoopbackHost, isLoopbackMultiaddr } from '../../lib/config/loopback-only.ts'
import { classesOf } from '../../lib/origin/outbound/address-class.ts'
import { contains, meaningsOf, parseNetwork } from '../../lib/origin/outbound/network.ts'

/** What peers connect to: TCP at an address or a name. */
const DIALLED = /^\/(?:(ip4|ip6)|dns|dns4|dns6)\/([^/]+)\/tcp\/\d{1,5}$/

/** Addresses that mean whichever machine connects to them. */
const MACHINE = ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128'].map(text => parseNetwork(text, ''))

/**
 * The addresses of a peer that others may be told. Whoever is told one connects to it, so none may lead to what answers only the machine itself or its
 * network: link-local addresses and the metadata services of clouds; and those of the loopback only for peers that are on the
 * supernode's own, as in a trial. What a name means is not known here.
 * @param addresses multiaddrs as the peer has given them
 * @param from multiaddr of its connection
 */
export function tellableAddresses(addresses: readonly string[], from: string): string[] {
  const isLocal = isLoopbackMultiaddr(from)
  return addresses.filter(address => {
    const [, ip, host = ''] = DIALLED.exec(address) ?? []
    if (host === '') return false
    if (ip === undefined) return isLocal || !isLoopbackHost(host)
    if (isIP(host) === 0) return false
    const meanings = meaningsOf(host)
    if (meanings.flatMap(classesOf).some(found => found.class.isNamedOnly)) return false
    return isLocal || !meanings.some(bytes => MACHINE.some(network => contains(network, bytes)))
  })
}
