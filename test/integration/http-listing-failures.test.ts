import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { type HttpListingOptions, listHttp } from '../../dfget/sources/http/list-http.ts'
import { fetcherForTest, indexPage, pathsOf, type SiteAnswer, startSite } from '../helpers/listing.ts'

function list(url: string, options: Partial<HttpListingOptions> = {}) {
  const start = { url, headers: {} }
  return listHttp({ fetcher: fetcherForTest() }, start, { signal: AbortSignal.timeout(30_000), ...options })
}

/** Answers with bytes of a type. */
function typed(contentType: string, body: string | Uint8Array, headers: Record<string, string> = {}): SiteAnswer {
  return (_, response) => response.writeHead(200, { 'content-type': contentType, ...headers }).end(body)
}

describe('a directory that cannot be listed', () => {
  test.each([
    [401, 'UNAUTHORIZED'],
    [403, 'DENIED'],
    [404, 'BLOB_UNKNOWN'],
    [204, 'ORIGIN_FAILED'],
  ])('because it answers %i is the error %s, and is named', async (status, code) => {
    const site = await startSite({ '/': indexPage('a/'), '/a/': (_, response) => response.writeHead(status).end() })
    const detail = `${site.url}/a/ answered ${status}`
    await expect(pathsOf(list(`${site.url}/a`))).rejects.toMatchObject({ code, originStatus: status, detail })
    await expect(pathsOf(list(site.url))).rejects.toMatchObject({ code, originStatus: status, detail })
    expect(await pathsOf(list(site.url, { exclude: ['a/'] }))).toEqual([])
  })

  test.each([
    ['application/gzip', 'application/gzip'],
    ['text/xml', 'text/xml'],
    ['', 'something without a type'],
  ])('because it is of type "%s" is told', async (type, what) => {
    const site = await startSite({ '/a/': typed(type, 'x') })
    await expect(pathsOf(list(`${site.url}/a/?token=secret`))).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      detail: `${site.url}/a/ is ${what} and no index page of a directory, which --recursive needs: HTML with links, or the JSON of nginx`,
    })
  })

  test.each(['{}', '[{"name":1,"type":"file"}]', '[{"name":"a","type":"file","size":-1}]', 'nonsense'])(
    'because its JSON is %s is told',
    async json => {
      const site = await startSite({ '/': typed('application/json', json) })
      await expect(pathsOf(list(site.url))).rejects.toMatchObject({
        code: 'ORIGIN_FAILED',
        detail: `${site.url}/ is JSON, but not an index as nginx writes them`,
      })
    },
  )

  test('because it comes encoded is told', async () => {
    const site = await startSite({ '/': typed('text/html', 'x', { 'content-encoding': 'gzip' }) })
    await expect(pathsOf(list(site.url))).rejects.toMatchObject({ code: 'ORIGIN_FAILED', originStatus: 200 })
  })

  test('because nobody answers is told', async () => {
    const site = await startSite({})
    await site.close()
    await expect(pathsOf(list(site.url))).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
  })

  test.each(['ftp://example.com/', 'pub/', ''])('because its URL is "%s" is told', async url => {
    await expect(pathsOf(list(url))).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })
})

describe('a page that breaks off', () => {
  const breakingOff = (times: number): SiteAnswer => {
    let left = times
    return async (_: unknown, response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      if (left-- <= 0) return void response.end(indexPage('a'))
      await new Promise(resolve => response.write('<a href="a">', resolve))
      return void response.destroy()
    }
  }

  test('once is read again', async () => {
    const site = await startSite({ '/': breakingOff(1) })
    expect(await pathsOf(list(site.url))).toEqual(['a'])
  })

  test('again is an error', async () => {
    const site = await startSite({ '/': breakingOff(2) })
    await expect(pathsOf(list(site.url))).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
    expect(site.requests).toHaveLength(2)
  })
})

describe('too much', () => {
  test('in one page is an error', async () => {
    const site = await startSite({ '/': indexPage('a'.repeat(2000)) })
    await expect(pathsOf(list(site.url, { maxPageBytes: 1000 }))).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: `the index page ${site.url}/ has over 1000 bytes`,
    })
  })

  test('in all is an error', async () => {
    const site = await startSite({ '/': indexPage('a', 'b/', 'c'), '/b/': indexPage('d') })
    expect(await pathsOf(list(site.url, { maxEntries: 4 }))).toEqual(['a', 'c', 'b/d'])
    expect(await pathsOf(list(site.url, { maxEntries: 1, include: ['a'], exclude: ['b/'] }))).toEqual(['a'])
    await expect(pathsOf(list(site.url, { maxEntries: 3 }))).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      detail: `${site.url}/ has over 3 files and directories; name a directory further down, or leave some out with --exclude`,
    })
  })

  test('depth, as of a link that goes round in a circle, is an error', async () => {
    const pages = Array.from({ length: 20 }, (_, depth) => [`/${'again/'.repeat(depth)}`, indexPage('again/')])
    const endless = await startSite(Object.fromEntries(pages))
    await expect(pathsOf(list(endless.url))).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      detail: expect.stringMatching(/again\/: it lies more than 16 directories deep, perhaps because links go round/),
    })
    expect(endless.requests).toHaveLength(17)
  })
})

describe('two URLs for one path', () => {
  test.each([
    [['a?v=1', 'a?v=2'], 'a'],
    [['a%252Fb', 'a%2Fb'], 'a%2Fb'],
  ])('%j are an error', async (hrefs, path) => {
    const site = await startSite({ '/': indexPage(...hrefs) })
    const [one, other] = hrefs.map(href => `/${href}`)
    await expect(pathsOf(list(site.url))).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      detail: `${one} and ${other} cannot both be written, because of "${path}"; leave it out with --exclude`,
    })
    expect(await pathsOf(list(site.url, { exclude: [path] }))).toEqual([])
  })

  test('are an error where one would be a directory', async () => {
    const site = await startSite({ '/': indexPage('a', 'b/'), '/b/': indexPage('/a/c') })
    await expect(pathsOf(list(site.url))).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
  })
})

describe('a large page', () => {
  test('of 10,000 files is listed at once', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `model-${String(index).padStart(5, '0')}.safetensors`)
    const site = await startSite({ '/': indexPage(...names) })
    const listing = list(site.url, { include: ['*.safetensors'], exclude: ['docs/**'] })
    const startedAt = performance.now()
    expect(await pathsOf(listing)).toEqual(names)
    expect(performance.now() - startedAt).toBeLessThan(3000)
  })

  // A parser that keeps its open elements in a list needs hours for this.
  test('made to hold up a parser is read all the same', async () => {
    const nested = '<b></i>'.repeat(1_000_000)
    const site = await startSite({ '/': `${nested}${indexPage('a')}` })
    expect(await pathsOf(list(site.url))).toEqual(['a'])
  })
})
