import { isIP } from 'node:net'
import { type ClassMember, classesOf } from './address-class.ts'
import { formatHost, isListed, type Place, placeOf } from './host-list.ts'
import { type AddressBytes, contains, formatAddress, liesWithin, meaningsOf, type Network } from './network.ts'

/** From one port to another, both included. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** A server that an operator has named: it may stand in a private network, and at any port. */
export interface NamedPlace extends Place {
  /** How it is asked; http, too, only where that was said. Undefined where nobody but the client knows. */
  readonly scheme: 'http' | 'https' | undefined
}

/** What a program may ask of whom on behalf of others (audit R3), and how much answer it takes. */
export interface OutboundPolicy {
  readonly schemes: readonly ('http' | 'https')[]
  /** Patterns, see {@link isListed}; any host where there is none. */
  readonly allowHosts: readonly string[]
  readonly denyHosts: readonly string[]
  readonly allowPorts: readonly PortRange[]
  /** Networks that may be connected to although they are none of the internet's. */
  readonly allowNetworks: readonly Network[]
  /** Networks that are never connected to, whatever else is said. */
  readonly denyNetworks: readonly Network[]
  readonly named: readonly NamedPlace[]
  /** Largest content. */
  readonly maxBytes: number
  /** What a body has to bring while its reader waits; 0 for no such bound. */
  readonly leastBytesPerSecond: number
  /** Whether there are settings that a refusal can name. */
  readonly hasSettings: boolean
}

/** Whether something may be asked, and why not. */
export type OutboundDecision = { readonly allowed: true } | { readonly allowed: false; readonly reason: string }

const ALLOWED: OutboundDecision = { allowed: true }

/** Decides about a URL, before its host's name is resolved. */
export function decideUrl(policy: OutboundPolicy, url: URL): OutboundDecision {
  const place = placeOf(url)
  const scheme = url.protocol.slice(0, -1)
  const { host, port } = place
  const named = policy.named.filter(known => isSame(known, place))
  const isKnownScheme = policy.schemes.some(allowed => allowed === scheme)
  if (!isKnownScheme && !named.some(known => known.scheme === scheme || known.scheme === undefined)) {
    const how = 'with outbound.schemes, or give the registry its URL under upstreams'
    return refused(policy, `${formatHost(host)} may not be asked by ${scheme}`, how)
  }
  const isAllowedPort = policy.allowPorts.some(({ first, last }) => port >= first && port <= last)
  if (!isAllowedPort && named.length === 0) {
    const how = 'with outbound.allowPorts, or name the registry under upstreams'
    return refused(policy, `${formatHost(host)} may not be asked at port ${port}`, how)
  }
  return decidePlace(policy, place)
}

/** Decides about a server whose port and scheme others answer for, as those of a tunnel, before its name is resolved. */
export function decidePlace(policy: OutboundPolicy, place: Place): OutboundDecision {
  const { host } = place
  if (isListed(place, policy.denyHosts)) {
    return { allowed: false, reason: `${formatHost(host)} is denied by outbound.denyHosts` }
  }
  const isNamed = isNamedPlace(policy, place)
  if (policy.allowHosts.length > 0 && !isNamed && !isListed(place, policy.allowHosts)) {
    const how = 'there, or name the registry under upstreams'
    return refused(policy, `${formatHost(host)} is not listed in outbound.allowHosts`, how)
  }
  return isIP(host) === 0 ? ALLOWED : decideAddress(policy, { host, isNamed }, host)
}

/** Whether an operator has named this very host and port. */
export function isNamedPlace(policy: OutboundPolicy, place: Place): boolean {
  return policy.named.some(known => isSame(known, place))
}

/**
 * Decides about an address that a host's name stands for, or that it is.
 * @param address as `node:net` knows it
 */
export function decideAddress(
  policy: OutboundPolicy,
  { host, isNamed }: { readonly host: string; readonly isNamed: boolean },
  address: string,
): OutboundDecision {
  const shown = host === address ? `${address} is` : `${formatHost(host)} resolves to ${address},`
  for (const meaning of meaningsOf(address)) {
    const denying = policy.denyNetworks.find(network => contains(network, meaning))
    if (denying !== undefined) {
      return { allowed: false, reason: `${shown} in ${denying.text} of outbound.denyNetworks` }
    }
    const objection = classesOf(meaning).find(member => !isLifted(policy, member, meaning, isNamed))
    if (objection !== undefined) {
      const what = `${shown} ${objection.class.name}${meaningsOf(address).length > 1 ? ` (${formatAddress(meaning)})` : ''}`
      return refused(policy, what, howToAllow(objection))
    }
  }
  return ALLOWED
}

function isLifted(
  policy: OutboundPolicy,
  { class: of, network }: ClassMember,
  address: AddressBytes,
  isNamed: boolean,
) {
  if (isNamed && of.isOwn) return true
  return policy.allowNetworks.some(
    allowed => contains(allowed, address) && (!of.isNamedOnly || liesWithin(allowed, network)),
  )
}

function howToAllow({ class: of, network }: ClassMember): string {
  if (of.isOwn) return 'with outbound.allowNetworks or name the registry under upstreams'
  return of.isNamedOnly ? `with ${network.text} itself in outbound.allowNetworks` : 'with outbound.allowNetworks'
}

function refused({ hasSettings }: OutboundPolicy, what: string, how: string): OutboundDecision {
  return { allowed: false, reason: hasSettings ? `${what}: allow it ${how}` : `${what}, which is never asked` }
}

function isSame(a: Place, b: Place): boolean {
  return a.host === b.host && a.port === b.port
}
