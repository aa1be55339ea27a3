import { describe, expect, test } from 'vitest'
import { downloadRequest } from '../../../dfget/cli/request/request.ts'
import { digestOf } from '../../../protocol/digest.ts'

const SHA256 = digestOf(new Uint8Array())
const SHA512 = digestOf(new Uint8Array(), 'sha512')
const BLOB = `http://registry:5000/v2/library/demo/blobs/${SHA256}`

function requestOf(url: string, header: string[] = [], digest?: string) {
  return downloadRequest(url, { header, ...(digest === undefined ? {} : { digest }) })
}

describe('the URL', () => {
  test.each(['foo', 'ftp://host/file', '//host/file', ''])('"%s" is refused', url => {
    expect(() => requestOf(url)).toThrow(`"${url}" is not an absolute http, https, s3, oci or file URL`)
  })

  test('loses its user, who becomes a header unless one is given, and its fragment', () => {
    const { source } = requestOf('http://user:p%40ss@host/file?q=1#part')
    expect(source).toMatchObject({
      url: 'http://host/file?q=1',
      headers: { authorization: `Basic ${btoa('user:p@ss')}` },
    })
    const given = requestOf('http://user:pass@host/file', ['Authorization: Bearer token'])
    expect(given.source.headers).toEqual({ authorization: 'Bearer token' })
  })

  test.each([
    ['http://host/a/disk.img?x=/y', 'disk.img'],
    ['http://host/a%20b.bin', 'a b.bin'],
    ['http://host/..%2f..%2fetc%2fpasswd', '..%2f..%2fetc%2fpasswd'],
    ['http://host/a%00b%1b', 'a%00b%1b'],
    ['http://host/%ff', '%ff'],
    ['http://host/a/%2e%2e', undefined],
    ['http://host', undefined],
    ['http://host/a/', undefined],
    [BLOB, SHA256],
  ])('%s suggests the name %s', (url, name) => expect(requestOf(url).suggestedName).toBe(name))
})

describe('headers', () => {
  test('are read by lower-case name, repeated ones joined', () => {
    const { headers } = requestOf('http://host/a', [
      'X-One:  a:b, c ',
      'Accept: text/plain',
      'accept: */*',
      'Empty:',
    ]).source
    expect(headers).toEqual({ 'x-one': 'a:b, c', accept: 'text/plain, */*', empty: '' })
  })

  test.each(['no colon', ': no name', 'Bad Name: x', 'Name : x'])('"%s" is refused', text => {
    expect(() => requestOf('http://host/a', [text])).toThrow("a header is written 'Name: value'")
  })

  test('cannot smuggle another one in, and are not shown', () => {
    const smuggling = () => requestOf('http://host/a', ['Authorization: secret\r\nX-Other: 1'])
    expect(smuggling).toThrow('the value of header Authorization has characters that HTTP does not allow')
    expect(smuggling).not.toThrow('secret')
  })
})

describe('digests', () => {
  test('come from the command line or the URL of a blob, and name the task', () => {
    expect(requestOf('http://host/a')).toMatchObject({ digests: [], source: { digest: undefined } })
    expect(requestOf('http://host/a', [], SHA512)).toMatchObject({ digests: [SHA512], source: { digest: SHA512 } })
    expect(requestOf(BLOB)).toMatchObject({ digests: [SHA256], source: { digest: SHA256 } })
    expect(requestOf(BLOB, [], SHA256.toUpperCase()).digests).toEqual([SHA256])
  })

  test('of a URL and the command line must both hold, the one of the URL naming the task', () => {
    expect(requestOf(BLOB, [], SHA512)).toMatchObject({ digests: [SHA256, SHA512], source: { digest: SHA256 } })
    expect(() => requestOf(BLOB, [], digestOf(Buffer.from('x')))).toThrow('--digest is not that of the blob in the URL')
  })

  test.each(['md5:d41d8cd98f00b204e9800998ecf8427e', 'MD5:x', 'sha1:da39a3ee'])('%s proves nothing', digest => {
    expect(() => requestOf('http://host/a', [], digest)).toThrow(/(md5|sha1) can be forged.*give sha256/)
  })

  test.each(['sha256:abc', 'x', SHA256.slice(7)])('%s is none', digest => {
    expect(() => requestOf('http://host/a', [], digest)).toThrow('expected sha256:<64 hex digits>')
  })
})

describe('content of the swarm', () => {
  const digest = `sha256:${'a'.repeat(64)}`

  test('is named by its digest, and has no headers', () => {
    expect(requestOf(`swarm:${digest}`, ['Authorization: secret'])).toEqual({
      source: { url: `swarm:${digest}`, headers: {}, digest },
      digests: [digest],
      suggestedName: undefined,
    })
  })

  test.each(['swarm:', 'swarm:sha256:abc', `swarm:${digest}?x=1`, `swarm:md5:${'a'.repeat(32)}`])('is not %s', text => {
    expect(() => requestOf(text)).toThrow('expected sha256:')
  })

  test('contradicts another digest', () => {
    const other = `sha256:${'b'.repeat(64)}`
    expect(() => requestOf(`swarm:${digest}`, [], other)).toThrow('--digest is not that of swarm:')
  })
})

test('a header value of blanks takes no time by the square of their number', () => {
  const value = `a${' '.repeat(300_000)}b`
  expect(requestOf('http://host/file', [`X: \t${value} \t`]).source.headers).toEqual({ x: value })
})
