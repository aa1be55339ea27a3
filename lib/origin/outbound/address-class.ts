import { type AddressBytes, contains, type Network, parseNetwork } from './network.ts'

/** Addresses that are no server's on the internet (RFC 6890 and the registries of special-purpose addresses that it made). */
export interface AddressClass {
  /** In a sentence: `a private address`. */
  readonly name: string
  readonly networks: readonly Network[]
  /** Whether naming a server allows it there: it may stand in one's own network. */
  readonly isOwn: boolean
  /** Whether only a setting allows it that names this very network or a part of it, and no larger one. */
  readonly isNamedOnly: boolean
}

/**
 * The classes, the most particular first. Metadata services give a machine's credentials to whoever asks from it; they are those of
 * AWS, Google, Azure, Oracle, Alibaba, Scaleway and OpenStack, and of those that took an address over from them.
 */
export const ADDRESS_CLASSES: readonly AddressClass[] = [
  addressClass('the metadata service of a cloud', 'named', [
    '169.254.169.254/32',
    '169.254.170.2/32',
    '169.254.170.23/32',
    '169.254.42.42/32',
    '169.254.0.23/32',
    '100.100.100.200/32',
    '168.63.129.16/32',
    '192.0.0.192/32',
    'fd00:ec2::/32',
    'fd20:ce::254/128',
    'fd00:c1::a9fe:a9fe/128',
    'fd00:42::42/128',
    'fe80::a9fe:a9fe/128',
  ]),
  addressClass('a link-local address', 'named', ['169.254.0.0/16', 'fe80::/10']),
  addressClass('an unspecified address', 'foreign', ['0.0.0.0/8', '::/128']),
  addressClass('a loopback address', 'own', ['127.0.0.0/8', '::1/128']),
  addressClass('a private address', 'own', [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '100.64.0.0/10',
    'fc00::/7',
    'fec0::/10',
  ]),
  addressClass('a multicast address', 'foreign', ['224.0.0.0/4', 'ff00::/8']),
  addressClass('a broadcast address', 'foreign', ['255.255.255.255/32']),
  addressClass('a reserved address', 'foreign', [
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '240.0.0.0/4',
    '2001::/23',
    '2001:db8::/32',
    '3fff::/20',
  ]),
]

/** All of IPv6 that may be a server's on the internet; the rest is assigned to something else, or to nothing yet. */
const GLOBAL_IPV6 = ['2000::/3', '64:ff9b::/96'].map(text => parseNetwork(text, ''))
const UNASSIGNED = addressClass('a reserved address', 'foreign', ['::/0'])

/** A class that an address is of, and the network by which it is. */
export interface ClassMember {
  readonly class: AddressClass
  readonly network: Network
}

/** The classes that an address is of, the most particular first; none for a server's address on the internet. */
export function classesOf(address: AddressBytes): ClassMember[] {
  const found = ADDRESS_CLASSES.flatMap(entry =>
    entry.networks.filter(network => contains(network, address)).map(network => ({ class: entry, network })),
  )
  if (found.length > 0 || address.length === 4 || GLOBAL_IPV6.some(network => contains(network, address))) return found
  return UNASSIGNED.networks.map(network => ({ class: UNASSIGNED, network }))
}

function addressClass(name: string, kind: 'named' | 'own' | 'foreign', networks: readonly string[]): AddressClass {
  return {
    name,
    networks: networks.map(text => parseNetwork(text, name)),
    isOwn: kind === 'own',
    isNamedOnly: kind === 'named',
  }
}
