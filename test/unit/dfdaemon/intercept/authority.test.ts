import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatAuthority, parseAuthority } from '../../../../dfdaemon/intercept/authority.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'

test.each([
  ['harbor.example:443', 'harbor.example', 443],
  ['HARBOR.Example:8443', 'harbor.example', 8443],
  ['my_registry:5000', 'my_registry', 5000],
  ['10.0.0.1:443', '10.0.0.1', 443],
  ['[::1]:5000', '::1', 5000],
  ['[2001:DB8:0:0::1]:443', '2001:db8::1', 443],
  ['[::ffff:127.0.0.1]:443', '::ffff:7f00:1', 443],
])('%s is a host and a port', (text, host, port) => {
  expect(parseAuthority(text)).toEqual({ host, port })
})

test.each([
  'harbor.example',
  'harbor.example:',
  'harbor.example:0',
  'harbor.example:0443',
  'harbor.example:65536',
  'harbor.example:+443',
  'harbor.example:443:443',
  'harbor.example:443/path',
  'harbor.example:443?query',
  'user@harbor.example:443',
  'user:password@harbor.example:443',
  'https://harbor.example:443',
  'harbor.example :443',
  ' harbor.example:443',
  'harbor.example:443\r\nx: y',
  'harbor.example:443\n',
  'harbor.example\0:443',
  'harbor.example.:443',
  '.harbor.example:443',
  'harbor..example:443',
  '-harbor.example:443',
  'harbor%2eexample:443',
  'hårbor.example:443',
  '127.1:443',
  '127.0.0.256:443',
  '010.0.0.1:443',
  '2130706433:443',
  '0x7f.0.0.1:443',
  '127.0.0.0x1:443',
  '::1:443',
  '[::1:443',
  '[::1%eth0]:443',
  '[harbor.example]:443',
  '[127.0.0.1]:443',
  `${'a'.repeat(64)}.example:443`,
  `${'a.'.repeat(127)}ab:443`,
  ':443',
  '*:443',
  '',
])('%j is refused', text => {
  expect(() => parseAuthority(text)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
})

test('a port may be left out where there is a default', () => {
  expect(parseAuthority('harbor.example', 443)).toEqual({ host: 'harbor.example', port: 443 })
  expect(parseAuthority('[::1]', 443)).toEqual({ host: '::1', port: 443 })
})

test('what is read is written in the same way again, without a default port', () => {
  expect(formatAuthority({ host: '::1', port: 5000 })).toBe('[::1]:5000')
  expect(formatAuthority({ host: 'harbor.example', port: 443 }, 443)).toBe('harbor.example')
  fc.assert(
    fc.property(fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()), fc.integer({ min: 1, max: 65_535 }), (host, port) => {
      const written = formatAuthority({ host, port })
      const read = parseAuthority(written)
      expect(read.port).toBe(port)
      expect(parseAuthority(formatAuthority(read))).toEqual(read)
      // The URL parser, by which other clients read names, means the same server.
      expect(new URL(`http://${formatAuthority(read)}/`).hostname).toBe(new URL(`http://${written}/`).hostname)
    }),
  )
})

test('any text is read or refused, and what is read names a server to the URL parser too', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.webAuthority({ withPort: true, withUserInfo: true })),
      text => {
        try {
          const { host, port } = parseAuthority(text, 443)
          expect(new URL(`http://${text}/`).hostname.replace(/^\[|\]$/g, '')).toBe(host)
          expect(port).toBeGreaterThan(0)
          expect(text).not.toMatch(/[@\s/]/)
        } catch (error) {
          if (!(error instanceof DamselflyError)) throw error
        }
      },
    ),
    { numRuns: 1_000 },
  )
})
