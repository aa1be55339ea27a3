import { expect, test } from 'vitest'
import { parseExpiry } from '../../../../../../lib/http/access/tokens/parse-expiry.ts'
import { madeTokenLine, madeTokenNote, tokenTable } from '../../../../../../lib/http/access/tokens/token-text.ts'
import type { TokenView } from '../../../../../../protocol/messages/token-api.ts'
import { joinUrlOf } from '../../../../../../supernode/api/join-url.ts'

const NOW = Date.UTC(2026, 10, 29, 10)
const VIEW: TokenView = {
  id: '0123456789ab',
  role: 'viewer',
  createdAt: NOW,
  expiresAt: NOW + 86_400_000,
  usesLeft: null,
  comment: 'dash\u001b[2Jboard',
}

test.each([
  ['30m', 1_800],
  ['24h', 86_400],
  ['90d', 7_776_000],
  ['15s', 15],
  ['never', 0],
])('%s is %d seconds', (text, seconds) => {
  expect(parseExpiry(text)).toBe(seconds)
})

test.each(['', '0', '0d', '-1d', '1.5h', '24', 'h', '24 h', '9999999999d', 'Never'])('%s is no time', text => {
  expect(() => parseExpiry(text)).toThrow('is no time; expected one as 30m, 24h or 90d, or never')
})

test('the table shows what a token is for and how long', () => {
  const node: TokenView = { ...VIEW, role: 'node', usesLeft: 2, expiresAt: NOW - 1, comment: '' }
  const endless: TokenView = { ...node, usesLeft: null, expiresAt: null }
  expect(tokenTable([VIEW, node, endless], NOW).split('\n')).toEqual([
    'ID               ROLE             CREATED             EXPIRES   USES LEFT         COMMENT',
    '0123456789ab   viewer   2026-11-29 10:00Z   2026-11-30 10:00Z           -   dash?[2Jboard',
    '0123456789ab     node   2026-11-29 10:00Z             expired           2',
    '0123456789ab     node   2026-11-29 10:00Z               never         any',
    '',
  ])
  expect(tokenTable([], NOW)).toBe('there are no tokens\n')
})

test('what is printed of a new token is what its holder needs', () => {
  const node = { ...VIEW, role: 'node', usesLeft: 1 } as const
  expect(madeTokenLine({ ...VIEW, token: 'dmsl_x' })).toBe('dmsl_x\n')
  expect(madeTokenLine({ ...node, token: 'dmsl_x', joinUrl: 'https://super:8002' })).toBe(
    'dfdaemon join https://super:8002 --token dmsl_x\n',
  )
  expect(madeTokenNote({ ...node, token: 'dmsl_x' }, NOW)).toBe(
    'token 0123456789ab for the role node, for 1 node; it expires 2026-11-30 10:00Z, and is shown this once\n',
  )
})

test.each([
  ['http://127.0.0.1:8002', 'http://127.0.0.1:8002'],
  ['https://0.0.0.0:8002', 'https://super:8002'],
  ['https://[::]:8002', 'https://super:8002'],
  ['https://[fd00::7]:8002', 'https://[fd00::7]:8002'],
])('nodes reach an API that listens at %s at %s', (url, expected) => {
  expect(joinUrlOf(url, 'super')).toBe(expected)
})
