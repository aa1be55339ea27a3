import { describe, expect, test } from 'vitest'
import { answeringDirectory, directoryUrl, WebDirectory } from '../../../../dfget/sources/http/index-link.ts'

const START = 'https://example.com/pub/'

/** What a link of the start page, or of another, leads to. */
function linkOf(href: string, page = START, base = page) {
  return new WebDirectory(new URL(START)).linkBelow(href, new WebDirectory(new URL(page)), new URL(base))
}

describe('a link to a file', () => {
  test.each([
    ['a.txt', 'a.txt', 'https://example.com/pub/a.txt'],
    ['./a.txt', 'a.txt', 'https://example.com/pub/a.txt'],
    ['/pub/a.txt', 'a.txt', 'https://example.com/pub/a.txt'],
    ['//example.com/pub/a.txt', 'a.txt', 'https://example.com/pub/a.txt'],
    ['https://EXAMPLE.com:443/pub/deep/a.txt', 'deep/a.txt', 'https://example.com/pub/deep/a.txt'],
    ['https://me:secret@example.com/pub/a', 'a', 'https://example.com/pub/a'],
    ['%70ub/../a.txt#part', 'a.txt', 'https://example.com/pub/a.txt'],
    ['/%70ub/a', 'a', 'https://example.com/%70ub/a'],
    ['a.txt?version=2', 'a.txt', 'https://example.com/pub/a.txt?version=2'],
    ['a b.txt', 'a b.txt', 'https://example.com/pub/a%20b.txt'],
    ['100%.txt', '100%.txt', 'https://example.com/pub/100%.txt'],
    ['deep//a', 'deep/a', 'https://example.com/pub/deep//a'],
    ['%2e%2e%2fa', '%2e%2e%2fa', 'https://example.com/pub/%2e%2e%2fa'],
  ])('%s is %s', (href, path, url) => {
    expect(linkOf(href)).toMatchObject({ path, url, isDirectory: false })
  })

  test('is relative to the base', () => {
    const link = linkOf('a', START, 'https://example.com/pub/other/')
    expect(link).toMatchObject({ path: 'other/a' })
  })

  test('has one key for all spellings of it', () => {
    const spellings = ['%7ea%c3%bc', '~aü', '/pub//~a%C3%BC#x', '/%70ub/~aü']
    expect(new Set(spellings.map(href => linkOf(href)?.key)).size).toBe(1)
    expect(linkOf('a?x')?.key).not.toBe(linkOf('a')?.key)
  })
})

test.each([
  ['docs/', 'docs'],
  ['/pub/docs/deep/', 'docs/deep'],
  ['sub%20dir/#top', 'sub dir'],
])('%s is the directory %s', (href, path) => {
  expect(linkOf(href)).toMatchObject({ path, isDirectory: true })
})

test.each([
  ['', START],
  ['.', START],
  ['./', START],
  ['#top', START],
  ['?C=N;O=D', START],
  ['/pub', START],
  ['/pub/?C=N', START],
  ['//', START],
  ['.//', START],
  ['../', START],
  ['..', START],
  ['/', START],
  ['/public/a', START],
  ['%2e%2e/a', START],
  ['/pub/../etc/passwd', START],
  ['http://example.com/pub/a', START],
  ['https://example.com:8443/pub/a', START],
  ['https://other.example/pub/a', START],
  ['mailto:a@example.com', START],
  ['javascript:void(0)', START],
  ['https://', START],
  ['docs/?C=N;O=D', START],
  ['../', `${START}docs/`],
  ['?C=N', `${START}docs/`],
  ['/pub/docs', `${START}docs/`],
  ['../', `${START}docs/deep/`],
  ['/pub/docs', `${START}docs/deep/`],
  ['/pub/docs?x', `${START}docs/deep/`],
  ['/pub/?C=N', `${START}docs/`],
])('%s of %s is not followed', (href, page) => {
  expect(linkOf(href, page)).toBeUndefined()
})

test('below the root of a server is everything', () => {
  const root = new WebDirectory(new URL('https://example.com/'))
  expect(root.linkBelow('a', root, root.url)).toMatchObject({ path: 'a' })
  expect(root.linkBelow('/', root, root.url)).toBeUndefined()
})

test.each([
  ['https://example.com/pub', 'https://example.com/pub/'],
  ['https://example.com/pub/#x', 'https://example.com/pub/'],
  ['https://example.com', 'https://example.com/'],
  ['https://example.com/pub?token=t', 'https://example.com/pub/?token=t'],
])('%s names the directory %s', (text, url) => {
  expect(directoryUrl(text).href).toBe(url)
})

test.each([
  ['https://example.com/pub/', 'https://example.com/pub/'],
  ['http://mirror.example/v2/', 'http://mirror.example/v2/'],
  ['https://example.com/pub', 'https://example.com/pub/'],
  ['https://example.com/pub/index.html', 'https://example.com/pub/'],
  ['https://example.com/login', undefined],
  ['https://example.com/pub/deep/index.html', undefined],
])('what answers at %s for the directory is %s', (answered, directory) => {
  expect(answeringDirectory(new URL(START), new URL(answered))?.href).toBe(directory)
})
