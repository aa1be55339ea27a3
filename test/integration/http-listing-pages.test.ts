import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { type HttpListingOptions, listHttp } from '../../dfget/sources/http/list-http.ts'
import { allOf, fetcherForTest, pathsOf, startSite } from '../helpers/listing.ts'

/** Pages as servers wrote them for a directory of these files and the directories docs, empty and "sub dir". */
const RECORDED = new URL('../unit/dfget/sources/recorded/', import.meta.url)
const LONG = 'a-very-long-file-name-which-the-page-shows-only-in-part-because-it-is-long.bin'
const FILES = [
  '%41.txt',
  '100%.txt',
  LONG,
  'a.safetensors',
  'b c.txt',
  'back\\slash.txt',
  'colon:name.txt',
  'hash#.txt',
  'plus+at@.txt',
  'question?.txt',
  "quote's & <b>.txt",
  'semi;colon.txt',
  'tab%09name.txt',
  'ümlaut.txt',
]
const options: HttpListingOptions = {
  exclude: ['docs/', 'empty/', 'sub dir/'],
  signal: AbortSignal.timeout(30_000),
}

test.each([
  ['nginx', FILES],
  ['apache', ['.hidden', ...FILES]],
  ['lighttpd', FILES],
  ['python', ['.hidden', ...FILES]],
  ['caddy', ['.hidden', ...FILES]],
])('the page of %s lists its files, each under its name and where it is', async (name, expected) => {
  const site = await startSite({ '/pub/': await readFile(new URL(`${name}.html`, RECORDED), 'utf8') })
  const fetcher = fetcherForTest()
  const files = await allOf(listHttp({ fetcher }, { url: `${site.url}/pub/`, headers: {} }, options))
  expect(files.map(({ path }) => path).sort()).toEqual(expected.toSorted())
  for (const { source, path } of files) {
    const name = decodeURIComponent(new URL(source.url).pathname.slice('/pub/'.length))
    expect(name.replace('\t', '%09')).toBe(path)
    expect(new URL(source.url).search).toBe('')
  }
  expect(site.requests).toHaveLength(1)
})

test('the JSON of nginx lists the same, with sizes', async () => {
  const json = await readFile(new URL('nginx-json.txt', RECORDED), 'utf8')
  const site = await startSite({
    '/pub/': (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(json),
  })
  const files = await allOf(listHttp({ fetcher: fetcherForTest() }, { url: `${site.url}/pub/`, headers: {} }, options))
  expect(files.map(({ path }) => path)).toEqual(FILES)
  expect(files.find(({ path }) => path === LONG)?.sizeBytes).toBe(79)
})

// It does not encode names, so a browser does not find those with # ? \ or a tab either.
test('the page of serve lists what a browser would find', async () => {
  const site = await startSite({ '/pub/': await readFile(new URL('serve.html', RECORDED), 'utf8') })
  const listing = listHttp({ fetcher: fetcherForTest() }, { url: `${site.url}/pub`, headers: {} }, options)
  const plain = ['.hidden', '100%.txt', LONG, 'a.safetensors', 'b c.txt', 'colon:name.txt', 'plus+at@.txt']
  const asLinked = ['A.txt', 'back/slash.txt', 'hash', 'question', 'tabname.txt']
  expect((await pathsOf(listing)).sort()).toEqual(
    [...plain, ...asLinked, "quote's & <b>.txt", 'semi;colon.txt', 'ümlaut.txt'].sort(),
  )
})
