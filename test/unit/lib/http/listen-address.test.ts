import { expect, test } from 'vitest'
import { parseListenAddress } from '../../../../lib/http/listen-address.ts'

test.for([
  ['127.0.0.1:8002', '127.0.0.1', 8002],
  ['0.0.0.0:0', '0.0.0.0', 0],
  ['localhost:65535', 'localhost', 65_535],
  ['[::1]:80', '::1', 80],
  ['[::]:8002', '::', 8002],
] as const)('%s', ([text, host, port]) => {
  expect(parseListenAddress(text)).toEqual({ host, port })
})

test.for([
  '',
  ':8002',
  '8002',
  'localhost',
  'localhost:',
  'localhost:65536',
  'localhost:1e3',
  'host:-1',
  '::1:80',
  '[]:80',
])('"%s" is no address', text => {
  expect(() => parseListenAddress(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
