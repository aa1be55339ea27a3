import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import {
  endToEndHeaders,
  hasCredentials,
  withHost,
  withoutCredentials,
} from '../../../../dfdaemon/intercept/proxied-headers.ts'
import { interceptedTarget } from '../../../../dfdaemon/intercept/proxied-request.ts'

test('headers of the connection are left out, in any case, the rest keeps its order and spelling', () => {
  const headers = ['HOST', 'a', 'Accept', '1', 'TE', 'x', 'accept', '2', 'connection', 'X-One,x-two', 'x-one', '3']
  expect(endToEndHeaders(headers)).toEqual(['HOST', 'a', 'Accept', '1', 'accept', '2'])
})

test('Connection cannot name the headers that frame a message', () => {
  const headers = ['Connection', 'content-length, host', 'Content-Length', '5', 'Host', 'a']
  expect(endToEndHeaders(headers)).toEqual(['Content-Length', '5', 'Host', 'a'])
})

test('another host replaces each that is there', () => {
  expect(withHost(['host', 'a', 'X', '1', 'Host', 'b'], 'c')).toEqual(['Host', 'c', 'X', '1'])
})

test('credentials are found and left out in any case', () => {
  const headers = ['AUTHORIZATION', 'Basic a', 'X', '1', 'cookie', 'b']
  expect(hasCredentials(headers)).toBe(true)
  expect(withoutCredentials(headers)).toEqual(['X', '1'])
  expect(hasCredentials(['X', 'authorization'])).toBe(false)
})

test('two Host headers are refused even when they agree', () => {
  const request = { url: '/', httpVersion: '1.1', rawHeaders: ['Host', 'a.example', 'host', 'a.example'] }
  const read = () => interceptedTarget(request as IncomingMessage, { host: 'a.example', port: 443 })
  expect(read).toThrow('expected one Host header')
})
