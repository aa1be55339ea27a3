import { BlockList, isIP, isIPv4 } from 'node:net'
import { DamselflyError } from '../../protocol/errors.ts'

/** Object identifier of the extension (RFC 5280 §4.2.1.10). */
export const NAME_CONSTRAINTS_OID = '2.5.29.30'

const SEQUENCE = 0x30
const PERMITTED = 0xa0
const EXCLUDED = 0xa1
const DNS_NAME = 0x82
const IP_ADDRESS = 0x87

/**
 * The value of a name constraints extension, in DER, that permits these names and those below them, and these addresses.
 * A kind of name that is not mentioned would be free, so the one that none of the hosts is of is excluded as a whole.
 * @param hosts DNS names and IP addresses, without `*.`
 */
export function encodeNameConstraints(hosts: readonly string[]): Uint8Array<ArrayBuffer> {
  const names = hosts.filter(host => isIP(host) === 0)
  const addresses = hosts.filter(host => isIP(host) !== 0)
  const permitted = [
    ...names.map(name => subtree(DNS_NAME, Buffer.from(name, 'ascii'))),
    ...addresses.map(address => subtree(IP_ADDRESS, withFullMask(addressBytes(address)))),
  ]
  const excluded = [
    ...(names.length > 0 ? [] : [subtree(DNS_NAME, Buffer.alloc(0))]),
    ...(addresses.length > 0 ? [] : [subtree(IP_ADDRESS, Buffer.alloc(8)), subtree(IP_ADDRESS, Buffer.alloc(32))]),
  ]
  return element(SEQUENCE, [
    element(PERMITTED, permitted),
    ...(excluded.length > 0 ? [element(EXCLUDED, excluded)] : []),
  ])
}

/** Which hosts a name constraints extension permits. */
export interface PermittedHosts {
  permits(host: string): boolean
}

/** Reads the permitted names and addresses of an extension. @throws DamselflyError CONFIG_INVALID when it is malformed */
export function decodeNameConstraints(value: Uint8Array): PermittedHosts {
  const names: string[] = []
  const addresses = new BlockList()
  const [whole] = elements(value)
  const permitted = elements(whole?.value ?? value.subarray(0, 0)).find(({ tag }) => tag === PERMITTED)
  for (const { value: general } of elements(permitted?.value ?? value.subarray(0, 0))) {
    const [base] = elements(general)
    if (base?.tag === DNS_NAME) names.push(Buffer.from(base.value).toString('ascii').toLowerCase())
    if (base?.tag === IP_ADDRESS) addNetwork(addresses, base.value)
  }
  return {
    permits(host) {
      const family = isIP(host)
      if (family !== 0) return addresses.check(host, family === 4 ? 'ipv4' : 'ipv6')
      return names.some(name => host === name || host.endsWith(name.startsWith('.') ? name : `.${name}`))
    },
  }
}

interface Element {
  readonly tag: number
  readonly value: Uint8Array
}

function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const [tag = 0, first = 0, second = 0, third = 0] = bytes.subarray(at, at + 4)
    const [header, length] = first < 0x80 ? [2, first] : first === 0x81 ? [3, second] : [4, second * 256 + third]
    if (first > 0x82 || first === 0x80 || at + header + length > bytes.length) {
      throw new DamselflyError('CONFIG_INVALID', 'the name constraints of the certificate authority are malformed')
    }
    found.push({ tag, value: bytes.subarray(at + header, at + header + length) })
    at += header + length
  }
  return found
}

function element(tag: number, contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const { length } = Buffer.concat(contents)
  if (length > 0xff_ff) throw new DamselflyError('CONFIG_INVALID', 'intercept.hosts: too many hosts for a certificate')
  const size = length < 0x80 ? [length] : length < 0x1_00 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Uint8Array.from(Buffer.concat([Uint8Array.of(tag, ...size), ...contents]))
}

function subtree(tag: number, value: Uint8Array): Uint8Array {
  return element(SEQUENCE, [element(tag, [value])])
}

function withFullMask(address: Uint8Array): Uint8Array {
  return Buffer.concat([address, Buffer.alloc(address.length, 0xff)])
}

function addressBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.'), Number)
  // The URL parser spells an address with hexadecimal groups only, whatever tail it was given.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const before = head.split(':').filter(group => group !== '')
  const after = (tail ?? '').split(':').filter(group => group !== '')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return Uint8Array.from([...before, ...zeros, ...after].flatMap(group => bytesOf(Number.parseInt(group, 16))))
}

function bytesOf(group: number): [number, number] {
  return [group >> 8, group & 0xff]
}

function addNetwork(list: BlockList, value: Uint8Array): void {
  const half = value.length / 2
  if (half !== 4 && half !== 16) return
  const [address, mask] = [value.subarray(0, half), value.subarray(half)]
  const bits = mask.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
  if (half === 4) list.addSubnet(address.join('.'), bits, 'ipv4')
  else
    list.addSubnet(
      Buffer.from(address)
        .toString('hex')
        .replace(/.{4}(?=.)/g, '$&:'),
      bits,
      'ipv6',
    )
}
