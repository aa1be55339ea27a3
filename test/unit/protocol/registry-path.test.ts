import { describe, expect, it } from 'vitest'
import { DamselflyError } from '../../../protocol/errors.ts'
import { isRepositoryName, isTag, parseRegistryPath } from '../../../protocol/registry-path.ts'

const SHA256 = `sha256:${'a'.repeat(64)}`
const SHA512 = `sha512:${'0'.repeat(128)}`

describe('parseRegistryPath', () => {
  it.each([
    ['/v2', { kind: 'base' }],
    ['/v2/', { kind: 'base' }],
    [`/v2/a/blobs/${SHA256}`, { kind: 'blob', name: 'a', digest: SHA256 }],
    [`/v2/a/b/c/blobs/${SHA512}`, { kind: 'blob', name: 'a/b/c', digest: SHA512 }],
    ['/v2/library/nginx/manifests/1.25', { kind: 'manifest', name: 'library/nginx', reference: '1.25' }],
    [`/v2/a/manifests/${SHA256}`, { kind: 'manifest', name: 'a', reference: SHA256 }],
    ['/v2/a/tags/list', { kind: 'tags', name: 'a' }],
    [`/v2/a/referrers/${SHA256}`, { kind: 'referrers', name: 'a', digest: SHA256 }],
    ['/v2/a/blobs/uploads', { kind: 'upload', name: 'a', session: undefined }],
    ['/v2/a/blobs/uploads/', { kind: 'upload', name: 'a', session: undefined }],
    ['/v2/a/blobs/uploads/6b3c-1_~.=', { kind: 'upload', name: 'a', session: '6b3c-1_~.=' }],
    ['/v2/blobs/manifests/manifests/latest', { kind: 'manifest', name: 'blobs/manifests', reference: 'latest' }],
    ['/v2/tags/list/tags/list', { kind: 'tags', name: 'tags/list' }],
    ['/v2/a/blobs/b/manifests/x', { kind: 'manifest', name: 'a/blobs/b', reference: 'x' }],
  ])('reads %s', (path, expected) => {
    expect(parseRegistryPath(path)).toEqual(expected)
  })

  it.each([
    ['', 'ROUTE_UNKNOWN'],
    ['/', 'ROUTE_UNKNOWN'],
    ['/v1/a/tags/list', 'ROUTE_UNKNOWN'],
    ['/v2x/a/tags/list', 'ROUTE_UNKNOWN'],
    ['/v2/_catalog', 'ROUTE_UNKNOWN'],
    ['/v2/a', 'ROUTE_UNKNOWN'],
    ['/v2/a/manifests/', 'ROUTE_UNKNOWN'],
    ['/v2/a/manifests/x/y', 'ROUTE_UNKNOWN'],
    [`/v2//blobs/${SHA256}`, 'NAME_INVALID'],
    [`/v2/A/blobs/${SHA256}`, 'NAME_INVALID'],
    [`/v2/../blobs/${SHA256}`, 'NAME_INVALID'],
    [`/v2/a/../b/blobs/${SHA256}`, 'NAME_INVALID'],
    [`/v2/a%2Fb/blobs/${SHA256}`, 'NAME_INVALID'],
    [`/v2/${'a'.repeat(256)}/blobs/${SHA256}`, 'NAME_INVALID'],
    ['/v2/a/blobs/latest', 'DIGEST_INVALID'],
    ['/v2/a/blobs/sha256:abc', 'DIGEST_INVALID'],
    ['/v2/a/referrers/latest', 'DIGEST_INVALID'],
    ['/v2/a/manifests/sha256:abc', 'DIGEST_INVALID'],
    ['/v2/a/manifests/-x', 'MANIFEST_INVALID'],
    [`/v2/a/manifests/${'x'.repeat(129)}`, 'MANIFEST_INVALID'],
  ])('refuses %s with %s', (path, code) => {
    expect(() => parseRegistryPath(path)).toThrow(expect.objectContaining({ code }))
  })

  it('reads hostile paths in linear time', () => {
    const startedAt = performance.now()
    for (const piece of ['/blobs', '/a-', 'a/', '-', '_', '/tags/list', '/blobs/uploads/']) {
      expect(() => parseRegistryPath(`/v2/${piece.repeat(20_000)}!`)).toThrow(DamselflyError)
    }
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})

describe('names and tags', () => {
  it.each(['a', 'a/b', 'a.b', 'a_b', 'a__b', 'a-b', 'a---b', '0', 'a1/b2/c3', 'a'.repeat(255)])(
    '%s is a name',
    name => {
      expect(isRepositoryName(name)).toBe(true)
    },
  )

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'a..b',
    'a___b',
    'a_-b',
    '-a',
    'a-',
    '.a',
    'A',
    'a b',
    'ä',
    'a\n',
    'a'.repeat(256),
  ])('%j is no name', name => {
    expect(isRepositoryName(name)).toBe(false)
  })

  it.each(['latest', '1.0', '_x', 'A-b.c_d', 'x'.repeat(128)])('%s is a tag', tag => {
    expect(isTag(tag)).toBe(true)
  })

  it.each(['', '.x', '-x', 'a/b', 'a:b', 'a b', 'x\n', 'ä', 'x'.repeat(129)])('%j is no tag', tag => {
    expect(isTag(tag)).toBe(false)
  })
})
