import { expect, test } from 'vitest'
import { mirrorBaseUrl } from '../../../../../lib/origin/upstreams/mirror-url.ts'

test.each([
  ['https://a.example', 'https://a.example/v2'],
  ['http://a.example:5000/', 'http://a.example:5000/v2'],
  ['https://a.example/hub', 'https://a.example/hub/v2'],
  ['https://a.example/hub/', 'https://a.example/hub/v2'],
  ['https://a.example/hub/v2', 'https://a.example/hub/v2'],
  ['https://harbor.example/v2/hub', 'https://harbor.example/v2/hub'],
  ['https://[fd00::1]:5000', 'https://[fd00::1]:5000/v2'],
])('%s answers at %s', (url, baseUrl) => {
  expect(mirrorBaseUrl(url, 'mirror 1')).toBe(baseUrl)
})

test.each([
  ['a.example', 'http:// or https://'],
  ['ftp://a.example', 'http:// or https://'],
  ['http://', 'http:// or https://'],
  ['https://user:planted-secret@a.example', 'user or password'],
  ['https://planted-secret@a.example', 'user or password'],
  ['https://a.example?ns=docker.io', 'query or fragment'],
  ['https://a.example/#x', 'query or fragment'],
])('%s is refused with the reason, and without a secret', (url, reason) => {
  const refused = () => mirrorBaseUrl(url, 'upstreams.docker.io.mirrors.1.url')
  expect(refused).toThrow(reason)
  expect(refused).toThrow('upstreams.docker.io.mirrors.1.url')
  expect(refused).not.toThrow('planted-secret')
})
