import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { defaultPort, type Place, withoutBrackets } from './host-list.ts'
import { OutboundRefusal } from './outbound-refusal.ts'
import { decideAddress, isNamedPlace, type OutboundPolicy } from './policy.ts'

/** Finds all addresses of a name, as `dns.lookup` does. */
export type Resolve = (
  hostname: string,
  options: {
    readonly all: true
    readonly family?: number | 'IPv4' | 'IPv6' | undefined
    readonly hints?: number | undefined
  },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/**
 * A connector that connects only where the policy allows it. Addresses are looked at after name resolution, and the addresses that
 * were looked at are the ones that are connected to, so that a name cannot change its meaning in between. Of several addresses those
 * that are allowed are tried. It fails with an {@link OutboundRefusal} where none is.
 */
export function createGuardedConnector(
  policy: OutboundPolicy,
  options: buildConnector.BuildOptions,
  resolve: Resolve = systemLookup,
): buildConnector.connector {
  // node:net's own `blockList` is not applied to TLS sockets, and a lookup is not told the port.
  const connectNamed = buildConnector({ ...options, lookup: guardedLookup(policy, true, resolve) })
  const connectOther = buildConnector({ ...options, lookup: guardedLookup(policy, false, resolve) })
  return (target, callback) => {
    const host = withoutBrackets(target.hostname)
    const port = target.port === '' ? defaultPort(target.protocol) : Number(target.port)
    const place: Place = { host, port }
    const isNamed = isNamedPlace(policy, place)
    // An address is connected to without a lookup.
    const decision = isIP(host) === 0 ? undefined : decideAddress(policy, { host, isNamed }, host)
    if (decision?.allowed === false) callback(new OutboundRefusal(decision.reason), null)
    else if (isNamed) connectNamed(target, callback)
    else connectOther(target, callback)
  }
}

function guardedLookup(policy: OutboundPolicy, isNamed: boolean, resolve: Resolve): LookupFunction {
  return (hostname, { family, hints, all }, callback) => {
    resolve(hostname, { all: true, family, hints }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const allowed: LookupAddress[] = []
      let refusal: OutboundRefusal | undefined
      for (const found of addresses) {
        const decision = decideAddress(policy, { host: hostname, isNamed }, found.address)
        if (decision.allowed) allowed.push(found)
        else refusal ??= new OutboundRefusal(decision.reason)
      }
      const [first] = allowed
      if (first === undefined) return callback(refusal ?? new Error('the name has no address'), [])
      if (all === true) return callback(null, allowed)
      return callback(null, first.address, first.family)
    })
  }
}
