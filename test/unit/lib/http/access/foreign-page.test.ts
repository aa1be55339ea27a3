import { describe, expect, test } from 'vitest'
import { refuseForeignPage } from '../../../../../lib/http/access/foreign-page.ts'

const LOOPBACK = '127.0.0.1'

/** @param localAddress where the request came in; undefined for a Unix socket */
function refusalOf(headers: Record<string, string>, localAddress: string | undefined = LOOPBACK, ownHost = LOOPBACK) {
  const request = { headers, socket: { localAddress } } as unknown as Parameters<typeof refuseForeignPage>[0]
  try {
    refuseForeignPage(request, ownHost)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

test.each([
  [{ host: '127.0.0.1:65001' }],
  [{ host: '127.0.0.1' }],
  [{ host: 'localhost:65001' }],
  [{ host: '[::1]:65001' }],
  [{}],
  [{ host: '127.0.0.1:65001', origin: 'http://127.0.0.1:65001', 'sec-fetch-site': 'same-origin' }],
  [{ host: '127.0.0.1:65001', 'sec-fetch-site': 'none' }],
  [{ host: '127.0.0.1:65001', 'sec-fetch-mode': 'cors' }],
])('a program of the machine, or a person: %j', headers => {
  expect(refusalOf(headers)).toBeUndefined()
  expect(refusalOf(headers, '::ffff:127.0.0.1')).toBeUndefined()
})

test.each([
  [{ host: 'evil.example:65001' }],
  [{ host: 'evil.example' }],
  [{ host: 'localhost.evil.example:65001' }],
  [{ host: '127.0.0.1.evil.example:65001' }],
  [{ host: '10.0.0.7:65001' }],
  [{ host: '[::1' }],
  [{ host: '' }],
])('a page whose name has come to mean this machine: %j', headers => {
  for (const address of [LOOPBACK, '::1', '::ffff:127.0.0.1'])
    expect(refusalOf(headers, address)).toContain('ask for it as')
})

test.each([
  [{ origin: 'https://evil.example' }],
  [{ origin: 'http://127.0.0.1:3000' }],
  [{ origin: 'null' }],
  [{ origin: '' }],
  [{ 'sec-fetch-site': 'cross-site' }],
  [{ 'sec-fetch-site': 'same-site' }],
])('a page of another site: %j', headers => {
  for (const address of [LOOPBACK, '10.0.0.7'])
    expect(refusalOf({ host: '127.0.0.1:65001', ...headers }, address)).toContain('a web page of another site')
})

describe('the name of the server is none of the loopback', () => {
  test('where it listens elsewhere', () => {
    expect(refusalOf({ host: 'node-7.example:65001' }, '10.0.0.7', '0.0.0.0')).toBeUndefined()
  })

  test('where it was told to listen at that name', () => {
    expect(refusalOf({ host: 'Node-7:65001' }, '127.0.1.1', 'node-7')).toBeUndefined()
  })
})

test('no page comes by a Unix socket', () => {
  const request = { headers: { host: 'anything' }, socket: {} } as Parameters<typeof refuseForeignPage>[0]
  expect(() => refuseForeignPage(request, '')).not.toThrow()
})
