import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../../../lib/logger.ts'
import { createUpstreamFetcher } from '../../../../lib/origin/http-fetch.ts'
import { loadTlsSettings, type TlsSettings } from '../../../../lib/origin/tls-settings.ts'
import { trialPolicy } from '../../../helpers/outbound.ts'
import { createScratchDirectory } from '../../../helpers/scratch-directory.ts'
import { createSelfSigned, type SelfSigned } from '../../../helpers/self-signed.ts'

const own = createSelfSigned()
const other = createSelfSigned()

type Answer = { status: number; headers?: Record<string, string>; body?: string }

/** An https server on a free port, which ends with the test. */
async function startHttps({ cert, key }: SelfSigned, answer: (path: string, authorization?: string) => Answer) {
  const seen: (string | undefined)[] = []
  const server = createServer({ cert, key }, (request, response) => {
    seen.push(request.headers.authorization)
    const { status, headers = {}, body = 'ok' } = answer(request.url ?? '', request.headers.authorization)
    response.writeHead(status, headers).end(body)
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { host, url: `https://${host}`, seen }
}

function fetcherWith(tls: Record<string, TlsSettings>) {
  const asked: string[] = []
  const tlsFor = (host: string) => {
    asked.push(host)
    return tls[host]
  }
  const fetcher = createUpstreamFetcher({ logger: silentLogger() }, { outbound: trialPolicy(), tlsFor })
  onTestFinished(() => fetcher.stop())
  const get = async (url: string, credentials?: { username: string; password: string }) => {
    const { status, body } = await fetcher.fetch({ url, method: 'GET', headers: {}, credentials })
    body.destroy()
    return status
  }
  return { get, asked }
}

const untrusted = { code: 'ORIGIN_UNREACHABLE', detail: expect.stringContaining('SELF_SIGNED') }

describe('the TLS settings of a host', () => {
  test.each([
    ['its own certificate as CA', { ca: own.cert }],
    ['the same in a buffer', { ca: Buffer.from(own.cert) }],
    ['several certificates', { ca: other.cert + own.cert }],
    ['no verification', { insecure: true }],
  ])('make it trusted: %s', async (_, tls) => {
    const server = await startHttps(own, () => ({ status: 200 }))
    const { get } = fetcherWith({ [server.host]: tls })
    expect(await get(server.url)).toBe(200)
    expect(await get(server.url)).toBe(200)
  })

  test.each([
    ['none', undefined],
    ['empty ones', {}],
    ['verification', { insecure: false }],
    ["another one's certificate", { ca: other.cert }],
  ])('leave it untrusted: %s', async (_, tls) => {
    const server = await startHttps(own, () => ({ status: 200 }))
    const { get } = fetcherWith(tls === undefined ? {} : { [server.host]: tls })
    await expect(get(server.url)).rejects.toMatchObject(untrusted)
    expect(server.seen).toEqual([])
  })

  test('are those of this host only, whatever is trusted for another one', async () => {
    const [a, b] = await Promise.all([
      startHttps(own, () => ({ status: 200 })),
      startHttps(own, () => ({ status: 200 })),
    ])
    for (const tls of [{ ca: own.cert }, { insecure: true }]) {
      const { get, asked } = fetcherWith({ [a.host]: tls })
      expect(await get(a.url)).toBe(200)
      await expect(get(b.url)).rejects.toMatchObject(untrusted)
      expect(asked).toEqual([a.host, b.host])
    }
  })

  test('are kept apart when several hosts have some', async () => {
    const [a, b] = await Promise.all([
      startHttps(own, () => ({ status: 200 })),
      startHttps(other, () => ({ status: 200 })),
    ])
    const right = fetcherWith({ [a.host]: { ca: own.cert }, [b.host]: { ca: other.cert } })
    expect([await right.get(a.url), await right.get(b.url)]).toEqual([200, 200])
    for (const tls of [{ ca: own.cert }, { insecure: true }]) {
      const wrong = fetcherWith({ [a.host]: tls, [b.host]: { ca: own.cert } })
      expect(await wrong.get(a.url)).toBe(200)
      await expect(wrong.get(b.url)).rejects.toMatchObject(untrusted)
    }
  })

  test('do not go along with a redirect', async () => {
    const storage = await startHttps(own, () => ({ status: 200 }))
    const registry = await startHttps(own, () => ({ status: 307, headers: { location: `${storage.url}/x` } }))
    const { get } = fetcherWith({ [registry.host]: { insecure: true } })
    await expect(get(registry.url)).rejects.toMatchObject(untrusted)
    expect(storage.seen).toEqual([])
  })

  test('count for a token service on the same host and for no other', async () => {
    const account = { username: 'u', password: 'p' }
    const issue = (path: string): Answer | undefined =>
      path.startsWith('/token') ? { status: 200, body: '{"token":"t"}' } : undefined
    const elsewhere = await startHttps(own, path => issue(path) ?? { status: 404 })
    const startRegistry = (realm: (own: string) => string) =>
      startHttps(own, (path, authorization) => {
        if (authorization === 'Bearer t') return { status: 200 }
        return issue(path) ?? { status: 401, headers: { 'www-authenticate': `Bearer realm="${realm(path)}"` } }
      })
    let realm = ''
    const registry = await startRegistry(() => realm)
    const { get } = fetcherWith({ [registry.host]: { ca: own.cert } })

    realm = `${elsewhere.url}/token`
    await expect(get(`${registry.url}/v2/a/manifests/1`, account)).rejects.toMatchObject(untrusted)
    expect(elsewhere.seen).toEqual([])
    realm = `${registry.url}/token`
    expect(await get(`${registry.url}/v2/a/manifests/1`, account)).toBe(200)
    realm = `${elsewhere.url}/token`
    const trusting = fetcherWith({ [registry.host]: { ca: own.cert }, [elsewhere.host]: { insecure: true } })
    expect(await trusting.get(`${registry.url}/v2/a/manifests/1`, account)).toBe(200)
    expect(elsewhere.seen).toHaveLength(1)
  })

  test('may be more than are kept at a time', async () => {
    const server = await startHttps(own, () => ({ status: 200 }))
    let index = 0
    const fetcher = createUpstreamFetcher(
      { logger: silentLogger() },
      { outbound: trialPolicy(), tlsFor: () => ({ ca: own.cert + '\n'.repeat(index) }) },
    )
    onTestFinished(() => fetcher.stop())
    for (index = 1; index <= 70; index++) {
      const { status, body } = await fetcher.fetch({ url: server.url, method: 'GET', headers: {} })
      body.destroy()
      expect(status).toBe(200)
    }
  })
})

describe('TLS settings from a configuration', () => {
  test('come with the certificates of a file', async () => {
    await using scratch = await createScratchDirectory()
    const caFile = join(scratch.path, 'ca.pem')
    await writeFile(caFile, own.cert)
    expect(await loadTlsSettings({ caFile })).toEqual({ ca: own.cert, insecure: false })
    expect(await loadTlsSettings({ insecure: true })).toEqual({ insecure: true })
    expect(await loadTlsSettings({ caFile: '' })).toEqual({ insecure: false })
    await writeFile(caFile, 'no certificate')
    for (const path of [caFile, `${caFile}.missing`]) {
      await expect(loadTlsSettings({ caFile: path })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        detail: expect.stringContaining(path),
      })
    }
  })
})
