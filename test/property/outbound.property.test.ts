import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../lib/logger.ts'
import { createUpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import type { HttpTransport } from '../../lib/origin/http-transport.ts'
import { OutboundRefusal } from '../../lib/origin/outbound/outbound-refusal.ts'
import { decideAddress, decideUrl } from '../../lib/origin/outbound/policy.ts'
import { policyOf } from '../helpers/outbound.ts'

const STRICT = policyOf({ schemes: ['http', 'https'], allowPorts: ['1-65535'] })

const octet = fc.nat(255)
const deniedV4 = fc.oneof(
  fc.tuple(fc.constant(127), octet, octet, octet),
  fc.tuple(fc.constant(10), octet, octet, octet),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
  fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
  fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet),
  fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
  fc.constantFrom([169, 254, 169, 254], [100, 100, 100, 200], [168, 63, 129, 16], [0, 0, 0, 0]),
)

type Octets = readonly number[]
const numberOf = (octets: Octets): number => octets.reduce((sum, value) => sum * 256 + value, 0)
const hex = (value: number): string => value.toString(16)
const pair = ([a = 0, b = 0]: Octets): string => hex(a * 256 + b)

/** The ways in which URLs may write one number of an IPv4 address (WHATWG URL, "IPv4 number parser"). */
const numeral = (value: number) =>
  fc.constantFrom(
    String(value),
    `0x${hex(value)}`,
    `0X${hex(value).toUpperCase()}`,
    `0${value.toString(8)}`,
    `000${value.toString(8)}`,
  )

const spelledV4 = deniedV4.chain((octets: Octets) => {
  const [a = 0, b = 0] = octets
  const dotted = fc.tuple(...octets.map(numeral)).map(parts => parts.join('.'))
  const two = fc.tuple(numeral(a), numeral(numberOf(octets.slice(1)))).map(parts => parts.join('.'))
  const three = fc.tuple(numeral(a), numeral(b), numeral(numberOf(octets.slice(2)))).map(parts => parts.join('.'))
  const wide = dotted.map(text => text.replaceAll(/\d/g, digit => String.fromCodePoint(0xff10 + Number(digit))))
  return fc
    .tuple(fc.oneof(dotted, two, three, numeral(numberOf(octets)), wide), fc.constantFrom('', '.'))
    .map(([text, end]) => text + end)
})

const spelledV6 = deniedV4.chain((octets: Octets) => {
  const tail = `${pair(octets)}:${pair(octets.slice(2))}`
  return fc
    .constantFrom(
      `::ffff:${octets.join('.')}`,
      `::ffff:${tail}`,
      `0:0:0:0:0:FFFF:${tail}`,
      `::ffff:0:${tail}`,
      `::${tail}`,
      `64:ff9b::${octets.join('.')}`,
      `64:ff9b::${tail}`,
      `2002:${tail}::1`,
    )
    .map(text => `[${text}]`)
})

const userinfo = fc.constantFrom('', 'registry.example@', 'registry.example:443@', 'a:b@')
const deniedUrl = fc
  .tuple(
    fc.constantFrom('http', 'https', 'HTTPS'),
    userinfo,
    fc.oneof(spelledV4, spelledV6),
    fc.constantFrom('', ':81', ':443'),
  )
  .map(([scheme, user, host, port]) => `${scheme}://${user}${host}${port}/v2/`)

describe('outbound policy', () => {
  it('denies an address however it is spelled', () => {
    fc.assert(
      fc.property(deniedUrl, url => {
        expect(decideUrl(STRICT, new URL(url))).toMatchObject({ allowed: false })
      }),
      { numRuns: 2_000 },
    )
  })

  it('allows a server on the internet in each of its spellings', () => {
    const publicOctet = fc.integer({ min: 1, max: 9 })
    fc.assert(
      fc.property(fc.tuple(publicOctet, octet, octet, octet), octets => {
        for (const host of [octets.join('.'), String(numberOf(octets)), `[::ffff:${octets.join('.')}]`]) {
          expect(decideUrl(STRICT, new URL(`https://${host}/`))).toEqual({ allowed: true })
        }
      }),
    )
  })

  it('decides about an address as about any other spelling of it', () => {
    const groups = fc.array(fc.oneof(fc.nat(0xffff), fc.constant(0)), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(groups, parts => {
        const long = parts.map(part => part.toString(16).padStart(4, '0')).join(':')
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1)
        const decide = (address: string) => decideAddress(STRICT, { host: 'h', isNamed: false }, address).allowed
        expect(decide(long)).toBe(decide(short))
      }),
    )
  })

  it('asks nothing that is denied, whatever redirects lead to', async () => {
    const allowedUrl = fc
      .tuple(fc.constantFrom('8.8.8.8', 'registry.example', '[2606:4700::1]'), fc.nat(3))
      .map(([host, path]) => `http://${host}/${path}`)
    const location = fc.oneof({ arbitrary: allowedUrl, weight: 3 }, deniedUrl)
    await fc.assert(
      fc.asyncProperty(allowedUrl, fc.array(location, { maxLength: 6 }), async (start, locations) => {
        const asked: URL[] = []
        const transport: HttpTransport = {
          async send({ url }) {
            const to = locations[asked.push(url) - 1]
            const headers: Record<string, string> = to === undefined ? {} : { location: to }
            return { status: to === undefined ? 200 : 307, headers, body: Readable.from([]) }
          },
          async stop() {},
        }
        const fetcher = createUpstreamFetcher({ logger: silentLogger(), transport }, { outbound: STRICT })
        const outcome = await fetcher.fetch({ url: start, method: 'GET', headers: {} }).catch((error: unknown) => error)
        expect(asked.filter(url => !decideUrl(STRICT, url).allowed)).toEqual([])
        const next = locations[asked.length - 1]
        if (next !== undefined && outcome instanceof OutboundRefusal) {
          expect(decideUrl(STRICT, new URL(next)).allowed).toBe(false)
        }
      }),
    )
  })
})
