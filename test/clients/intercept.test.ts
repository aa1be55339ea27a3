import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../helpers/process.ts'
import { waitFor } from '../helpers/wait.ts'
import { scratch, startPlainOrigin, startProxy } from '../unit/dfdaemon/intercept/intercept-fixture.ts'
import { setUp } from '../unit/dfdaemon/intercept/intercepted-origin.ts'

/** Runs curl with a proxy. @throws Error with what curl says when it fails, or when there is no curl (package curl) */
async function curl(proxyPort: number, ...args: string[]): Promise<string> {
  const { stdout } = await run('curl', [
    '--silent',
    '--show-error',
    '--proxy',
    `http://127.0.0.1:${proxyPort}`,
    ...args,
  ])
  return stdout
}

test('curl trusts the certificate authority of the proxy for the hosts that it names, over HTTP/1.1', async () => {
  const setup = await setUp()
  const caFile = `${setup.proxy.directory}/ca.crt`
  const url = `https://${setup.authority}/path`
  const args = ['--cacert', caFile, '--http2', '--write-out', '%{http_version} %{ssl_verify_result}', url]
  expect(await curl(setup.proxy.port, ...args)).toBe('hello1.1 0')
  expect(setup.origin.requests).toMatchObject([{ method: 'GET', url: '/path' }])
})

test('curl does not trust it unasked, which the proxy counts', async () => {
  const setup = await setUp()
  await expect(curl(setup.proxy.port, `https://${setup.authority}/`)).rejects.toThrow('SSL certificate problem')
  await waitFor(() => setup.proxy.counted('connects', 'untrusted'), { timeoutMs: 5_000 })
  expect(setup.origin.requests).toEqual([])
})

test('curl uploads through the proxy, with a wait for 100 Continue', async () => {
  const received = Promise.withResolvers<number>()
  const setup = await setUp(async (request, response) => {
    let length = 0
    for await (const chunk of request) length += (chunk as Buffer).length
    received.resolve(length)
    response.writeHead(201).end('stored')
  })
  const file = join(await scratch(), 'file')
  await writeFile(file, Buffer.alloc(8 * 1024 * 1024, 1))
  const args = [
    '--cacert',
    `${setup.proxy.directory}/ca.crt`,
    '--header',
    'Expect: 100-continue',
    '--upload-file',
    file,
  ]
  expect(await curl(setup.proxy.port, ...args, `https://${setup.authority}/upload`)).toBe('stored')
  expect(await received.promise).toBe(8 * 1024 * 1024)
})

test('curl reaches plain http servers that are allowed, and no others', async () => {
  const origin = await startPlainOrigin((_request, response) => void response.end('plain'))
  const host = `127.0.0.1:${origin.port}`
  const proxy = await startProxy({ config: { connect: { allow: [host] } } })
  expect(await curl(proxy.port, `http://${host}/`)).toBe('plain')
  expect(await curl(proxy.port, '--write-out', '%{http_code}', 'http://other.example/')).toMatch(/403$/)
  await expect(curl(proxy.port, 'https://other.example/')).rejects.toThrow('403')
})

test('openssl refuses what the certificate authority signs for other hosts', async () => {
  const { makeCertificateAuthority, makeLeaf } = await import('../../dfdaemon/intercept/certificates.ts')
  const { validNow } = await import('../unit/dfdaemon/intercept/intercept-fixture.ts')
  const directory = await scratch()
  const authority = await makeCertificateAuthority(['harbor.example'], validNow())
  const caFile = join(directory, 'ca.crt')
  await writeFile(caFile, authority.certificate)
  const verify = async (host: string) => {
    const leafFile = join(directory, `${host}.crt`)
    await writeFile(leafFile, (await makeLeaf(authority, host, validNow())).certificate)
    const { stdout } = await run('openssl', [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      '-CAfile',
      caFile,
      leafFile,
    ])
    return stdout
  }
  expect(await verify('harbor.example')).toContain('OK')
  await expect(verify('evil.example')).rejects.toThrow('permitted subtree violation')
  await expect(verify('10.0.0.1')).rejects.toThrow('excluded subtree violation')
})
