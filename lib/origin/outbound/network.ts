import { isIP, isIPv4 } from 'node:net'
import { DamselflyError } from '../../../protocol/errors.ts'

/** An IP address as its 4 or 16 bytes. */
export type AddressBytes = readonly number[]

/** All addresses that begin with the same bits. */
export interface Network {
  /** As it was written, in CIDR form. */
  readonly text: string
  readonly bytes: AddressBytes
  /** How many leading bits count. */
  readonly bits: number
}

/**
 * Reads an IPv4 or IPv6 network in CIDR form. One of IPv4-mapped addresses is the network of IPv4 that it means.
 * @param setting that holds it, by dotted path
 * @throws DamselflyError CONFIG_INVALID
 */
export function parseNetwork(text: string, setting: string): Network {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const family = isIP(address)
  const bits = Number(digits)
  if (family === 0 || address.includes('%') || bits > (family === 4 ? 32 : 128)) {
    const expected = 'expected CIDR form, such as 10.0.0.0/8, or 10.0.0.7/32 for one address'
    throw new DamselflyError('CONFIG_INVALID', `${setting}: "${text}" is not a network; ${expected}`)
  }
  const bytes = bytesOf(address)
  return isMapped(bytes) && bits >= MAPPED.length * 8
    ? { text, bytes: bytes.slice(MAPPED.length), bits: bits - MAPPED.length * 8 }
    : { text, bytes, bits }
}

/** Whether an address lies in a network. */
export function contains(network: Network, address: AddressBytes): boolean {
  return network.bytes.length === address.length && sharesBits(network.bytes, address, network.bits)
}

/** Whether a network is a part of another, or all of it. */
export function liesWithin(inner: Network, outer: Network): boolean {
  return inner.bits >= outer.bits && contains(outer, inner.bytes)
}

/**
 * The addresses that a connection to one may mean: the address itself and the IPv4 address in it, which the system (IPv4-mapped) or a
 * router (NAT64, RFC 6052; 6to4, RFC 3056; IPv4-compatible, RFC 4291 §2.5.5.1; IPv4-translated, RFC 2765) sends it on to.
 * @param text an address as `node:net` knows it, with or without a zone
 */
export function meaningsOf(text: string): AddressBytes[] {
  const bytes = bytesOf(text.replace(/%.*$/, ''))
  if (bytes.length === 4) return [bytes]
  // What the system connects to is IPv4, and nothing else.
  if (isMapped(bytes)) return [bytes.slice(12)]
  const isEmbedding = EMBEDDING.some(network => contains(network, bytes)) && !contains(SPECIAL, bytes)
  if (isEmbedding) return [bytes, bytes.slice(12)]
  return contains(SIX_TO_FOUR, bytes) ? [bytes, bytes.slice(2, 6)] : [bytes]
}

/** An address in its usual spelling. */
export function formatAddress(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0))
  return canonical(groups.map(group => group.toString(16)).join(':'))
}

function bytesOf(address: string): number[] {
  if (isIPv4(address)) return address.split('.').map(Number)
  const [front = [], back] = canonical(address)
    .split('::')
    .map(half => (half === '' ? [] : half.split(':')))
  const gap = Array<string>(back === undefined ? 0 : 8 - front.length - back.length).fill('0')
  return [...front, ...gap, ...(back ?? [])].flatMap(group => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

/** The one spelling of an IPv6 address, without dots in it (WHATWG URL, "IPv6 serializer"). */
function canonical(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1)
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
/** Whose last 32 bits are an IPv4 address. */
const EMBEDDING = ['64:ff9b::/96', '::ffff:0:0:0/96', '::/96'].map(text => parseNetwork(text, ''))
/** `::` and `::1`, which have the form of an IPv4-compatible address. */
const SPECIAL = parseNetwork('::/127', '')
const SIX_TO_FOUR = parseNetwork('2002::/16', '')

function isMapped(bytes: AddressBytes): boolean {
  return bytes.length === 16 && MAPPED.every((byte, index) => bytes[index] === byte)
}

function sharesBits(a: AddressBytes, b: AddressBytes, bits: number): boolean {
  const whole = Math.floor(bits / 8)
  for (let index = 0; index < whole; index++) if (a[index] !== b[index]) return false
  const rest = 8 - (bits % 8)
  return rest === 8 || (a[whole] ?? 0) >> rest === (b[whole] ?? 0) >> rest
}
