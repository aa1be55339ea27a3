import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { type HttpListingOptions, listHttp } from '../../dfget/sources/http/list-http.ts'
import { allOf, fetcherForTest, indexPage, pathsOf, redirectTo, startSite } from '../helpers/listing.ts'
import { waitFor } from '../helpers/wait.ts'

function list(url: string, options: Partial<HttpListingOptions> = {}, headers: Record<string, string> = {}) {
  return listHttp({ fetcher: fetcherForTest() }, { url, headers }, { signal: AbortSignal.timeout(30_000), ...options })
}

describe('a tree of directories', () => {
  test('is listed breadth first, in the order of its pages', async () => {
    const site = await startSite({
      '/pub/': indexPage('b/', 'z.txt', 'a/', 'y.txt'),
      '/pub/a/': indexPage('1.txt', 'deep/'),
      '/pub/a/deep/': indexPage('2.txt'),
      '/pub/b/': indexPage('3.txt'),
    })
    const files = await allOf(list(`${site.url}/pub/`, {}, { 'X-Key': 'k' }))
    expect(files.map(({ path }) => path)).toEqual(['z.txt', 'y.txt', 'b/3.txt', 'a/1.txt', 'a/deep/2.txt'])
    const source = { url: `${site.url}/pub/a/deep/2.txt`, headers: { 'X-Key': 'k' } }
    expect(files.at(-1)).toEqual({ source, digests: [], path: 'a/deep/2.txt', sizeBytes: undefined })
    expect(site.requests.map(({ path }) => path)).toEqual(['/pub/', '/pub/b/', '/pub/a/', '/pub/a/deep/'])
    expect(site.requests.every(({ headers }) => headers['x-key'] === 'k')).toBe(true)
    expect(site.requests[0]?.headers.accept).toContain('text/html')
  })

  test('is read without what the patterns rule out', async () => {
    const site = await startSite({
      '/': indexPage('docs/', 'old/', 'src/', 'a.md'),
      '/docs/': indexPage('b.md', 'c.txt'),
      '/old/': indexPage('d.md'),
    })
    const listing = list(site.url, { include: ['*.md', 'docs/*'], exclude: ['src/**', 'c.txt'] })
    expect(await pathsOf(listing)).toEqual(['a.md', 'docs/b.md', 'old/d.md'])
  })

  test('whose pages link to each other is read once', async () => {
    const site = await startSite({
      '/': indexPage('a', 'a/', '/a/', '/a/b/', 'f', './f', '/f#x', '%66'),
      '/a/': indexPage('b/', '/', '/f', '../', 'g'),
      '/a/b/': indexPage('/a/', '/a', '/a/g', '../../', 'h'),
    })
    expect(await pathsOf(list(site.url))).toEqual(['f', 'a/g', 'a/b/h'])
    expect(site.requests.map(({ path }) => path)).toEqual(['/', '/a/', '/a/b/'])
  })

  test('may say in its pages what links are relative to', async () => {
    const site = await startSite({
      '/pub/': `<a href="before"></a><base href="/pub/v2/"><base href="/elsewhere/">${indexPage('a', 'b/', '/etc/x')}`,
      '/pub/v2/b/': `<base href="http://[">${indexPage('c')}`,
    })
    expect(await pathsOf(list(`${site.url}/pub/`))).toEqual(['v2/before', 'v2/a', 'v2/b/c'])
  })

  test('may have pages in another encoding, in upper case, and without quotes', async () => {
    const page = (charset: string, text: string) => (_: unknown, response: ServerResponse) =>
      response.writeHead(200, { 'content-type': `Text/HTML; charset="${charset}"` }).end(Buffer.from(text, 'latin1'))
    const site = await startSite({
      '/': page('ISO-8859-1', '<A HREF=ü.txt>x</A><!-- <a href="no"> --><script>"<a href=no>"</script><a href=b/ >'),
      '/b/': page('no-such-charset', '<a name=x><a href=c&amp;d.txt>'),
    })
    expect(await pathsOf(list(site.url))).toEqual(['ü.txt', 'b/c&d.txt'])
  })
})

describe('reading ahead', () => {
  test('gives files while later pages are still being read', async () => {
    const { promise: seen, resolve } = Promise.withResolvers<void>()
    const site = await startSite({
      '/': indexPage('a/', 'first'),
      '/a/': async (_, response) => {
        await seen
        response.writeHead(200, { 'content-type': 'text/html' }).end(indexPage('second'))
      },
    })
    const paths: string[] = []
    for await (const { path } of list(site.url)) {
      if (paths.push(path) === 1) {
        await waitFor(() => site.requests.length === 2, { timeoutMs: 10_000, what: 'the second page to be asked for' })
        resolve()
      }
    }
    expect(paths).toEqual(['first', 'a/second'])
  })

  test('asks for few pages at once, and gives them in order', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `d${index}`)
    let open = 0
    let most = 0
    const answers = names.map((name, index) => [
      `/${name}/`,
      async (_: unknown, response: ServerResponse) => {
        most = Math.max(most, ++open)
        for (let turn = 0; turn < (index * 7) % 5; turn++) await new Promise(setImmediate)
        open--
        response.writeHead(200, { 'content-type': 'text/html' }).end(indexPage('f'))
      },
    ])
    const site = await startSite({ ...Object.fromEntries(answers), '/': indexPage(...names.map(name => `${name}/`)) })
    expect(await pathsOf(list(site.url))).toEqual(names.map(name => `${name}/f`))
    expect(most).toBeLessThanOrEqual(4)
  })

  test('ends when nobody wants more', async () => {
    const site = await startSite({ '/': indexPage('a/', 'first'), '/a/': () => {} })
    for await (const _ of list(site.url)) {
      await waitFor(() => site.requests.length === 2, { timeoutMs: 10_000, what: 'the second page to be asked for' })
      break
    }
    await waitFor(() => site.sockets.size <= 1, { timeoutMs: 10_000, what: 'the pending request to be given up' })
  })

  test('ends with the signal', async () => {
    const site = await startSite({ '/': indexPage('a/', 'first'), '/a/': () => {} })
    const controller = new AbortController()
    const reason = new Error('enough')
    const listing = list(site.url, { signal: controller.signal })
    expect((await listing.next()).value).toMatchObject({ path: 'first' })
    const next = listing.next()
    await waitFor(() => site.requests.length === 2, { timeoutMs: 10_000, what: 'the second page to be asked for' })
    controller.abort(reason)
    await expect(next).rejects.toBe(reason)
  })
})

test('a listing ends with the signal in the middle of a page', async () => {
  const site = await startSite({ '/': indexPage(...Array.from({ length: 5000 }, (_, index) => `f${index}`)) })
  const controller = new AbortController()
  const reason = new Error('enough')
  let count = 0
  const listing = list(site.url, { signal: controller.signal })
  const consumed = (async () => {
    for await (const _ of listing) if (++count === 10) controller.abort(reason)
  })()
  await expect(consumed).rejects.toBe(reason)
  expect(count).toBeLessThan(2000)
})

describe('redirects', () => {
  test('lead from a version to another on the same server, and back where the slash is missing', async () => {
    const site = await startSite({
      '/latest/': redirectTo('/v2/'),
      '/v2/': indexPage('a', 'docs', '/v2/b', '/latest/c', 'sub/'),
      '/v2/sub/': redirectTo('/v2/other/'),
      '/v2/other/': indexPage('d'),
    })
    expect(await pathsOf(list(`${site.url}/latest`))).toEqual(['a', 'docs', 'b', 'other/d'])
    expect(site.requests[0]?.path).toBe('/latest/')
  })

  test('to another server leave credentials behind', async () => {
    const mirror = await startSite({ '/m/': indexPage('a', 'b/'), '/m/b/': indexPage('c') })
    const site = await startSite({ '/pub/': redirectTo(`${mirror.url}/m/`) })
    const headers = { Authorization: 'Bearer secret', 'X-Key': 'secret', 'User-Agent': 'me' }
    const files = await allOf(list(`${site.url}/pub/`, {}, headers))
    expect(files.map(({ source }) => source)).toEqual([
      { url: `${mirror.url}/m/a`, headers: { 'user-agent': 'me' } },
      { url: `${mirror.url}/m/b/c`, headers: { 'user-agent': 'me' } },
    ])
    expect(mirror.requests.some(({ headers }) => headers.authorization ?? headers['x-key'])).toBe(false)
    expect(mirror.requests.every(({ headers }) => headers['user-agent'] === 'me')).toBe(true)
  })

  test('of a directory further down lead to this server and no higher', async () => {
    const other = await startSite({})
    const site = await startSite({
      '/pub/': indexPage('away/', 'up/', 'f'),
      '/pub/away/': redirectTo(`${other.url}/`),
      '/pub/up/': redirectTo('/private/'),
      '/private/': indexPage('secret', '/pub/g'),
    })
    expect(await pathsOf(list(`${site.url}/pub/`))).toEqual(['f', 'g'])
    expect(other.requests).toEqual([])
  })

  test('to a login are no listing', async () => {
    const site = await startSite({ '/pub/': redirectTo('/login?next=pub'), '/login': indexPage('a') })
    await expect(pathsOf(list(`${site.url}/pub/`))).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: `${site.url}/pub/ redirects to ${site.url}/login, which is no directory; name the directory itself, with the credentials that it wants`,
    })
  })
})
