import { DamselflyError } from '../../../protocol/errors.ts'
import { baseUrlOf } from '../upstreams/registry-names.ts'
import type { UpstreamConfigs } from '../upstreams/upstream-config.ts'
import { configuredUrls } from '../upstreams/upstream-settings.ts'
import { ADDRESS_CLASSES } from './address-class.ts'
import type { OutboundConfig } from './config.ts'
import { parseHostPatterns, placeOf } from './host-list.ts'
import { parseNetwork } from './network.ts'
import type { NamedPlace, OutboundPolicy, PortRange } from './policy.ts'

/** What else an operator has said that counts. */
export interface OutboundSurroundings {
  /** On a trial everything of the own machine and of private networks may be asked, by http too. */
  readonly trial: boolean
  readonly upstreams: UpstreamConfigs
  /** Registry of requests that name none. */
  readonly defaultUpstream?: string | undefined
}

const ALL_PORTS: PortRange = { first: 1, last: 65_535 }
const ALL_NETWORKS = ['0.0.0.0/0', '::/0'].map(text => parseNetwork(text, ''))

/** Makes the policy of a supernode or dfdaemon of its settings. @throws DamselflyError CONFIG_INVALID that names the setting */
export function createOutboundPolicy(config: OutboundConfig, surroundings: OutboundSurroundings): OutboundPolicy {
  const { trial, upstreams, defaultUpstream } = surroundings
  const own = ADDRESS_CLASSES.filter(({ isOwn }) => isOwn).flatMap(({ networks }) => networks)
  const networks = (setting: 'allowNetworks' | 'denyNetworks') =>
    config[setting].map(text => parseNetwork(text, `outbound.${setting}`))
  const urls = [
    ...configuredUrls(upstreams),
    ...(defaultUpstream === undefined ? [] : [defaultUpstreamUrl(defaultUpstream, upstreams)]),
  ]
  return {
    schemes: trial ? ['http', 'https'] : config.schemes,
    allowHosts: parseHostPatterns(config.allowHosts, 'outbound.allowHosts'),
    denyHosts: parseHostPatterns(config.denyHosts, 'outbound.denyHosts'),
    allowPorts: trial ? [ALL_PORTS] : config.allowPorts.map(portRange),
    allowNetworks: [...networks('allowNetworks'), ...(trial ? own : [])],
    denyNetworks: networks('denyNetworks'),
    named: urls.map(namedPlace),
    maxBytes: config.maxBytes,
    leastBytesPerSecond: config.leastBytesPerSecond,
    hasSettings: true,
  }
}

/**
 * The policy of a program that asks for nobody but the user who runs it, and could be told no more than he is: only link-local
 * networks and metadata services stay closed, to which a link that somebody else made might lead.
 */
export function ownUserPolicy(): OutboundPolicy {
  return {
    schemes: ['http', 'https'],
    allowHosts: [],
    denyHosts: [],
    allowPorts: [{ first: 0, last: 65_535 }],
    allowNetworks: ALL_NETWORKS,
    denyNetworks: [],
    named: [],
    maxBytes: Number.POSITIVE_INFINITY,
    leastBytesPerSecond: 0,
    hasSettings: false,
  }
}

/** @throws DamselflyError CONFIG_INVALID */
function defaultUpstreamUrl(registry: string, upstreams: UpstreamConfigs): string {
  const url = baseUrlOf(registry, upstreams)
  if (URL.canParse(url)) return url
  throw new DamselflyError(
    'CONFIG_INVALID',
    `defaultUpstream: "${registry}" is not a registry; expected host or host:port`,
  )
}

function namedPlace(text: string): NamedPlace {
  const url = new URL(text)
  return { ...placeOf(url), scheme: url.protocol === 'http:' ? 'http' : 'https' }
}

function portRange(given: number | string): PortRange {
  const [first = 0, last = first] = String(given).split('-').map(Number)
  if (first <= last && last <= 65_535) return { first, last }
  throw new DamselflyError('CONFIG_INVALID', `outbound.allowPorts: "${given}" is no port and no range of ports`)
}
