import { X509Certificate } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { openCertificateAuthority } from '../../../../dfdaemon/intercept/certificate-authority.ts'
import { makeCertificateAuthority, makeLeaf, nameConstraintsOf } from '../../../../dfdaemon/intercept/certificates.ts'
import { decodeNameConstraints, encodeNameConstraints } from '../../../../dfdaemon/intercept/name-constraints.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { scratch, validNow } from './intercept-fixture.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

async function opened(
  directory: string,
  hosts: string[],
  init: { renew?: boolean; clock?: ReturnType<typeof createManualClock> } = {},
) {
  const { renew = false, clock = createManualClock(Date.now()) } = init
  return await openCertificateAuthority({ clock, logger: silentLogger() }, { directory, hosts, renew })
}

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

test('the authority is made once, with a private key that only its owner reads', async () => {
  const directory = join(await scratch(), 'intercept')
  const { certificate } = await opened(directory, ['harbor.example'])
  const key = await readFile(join(directory, 'ca.key'), 'utf8')
  expect(await modeOf(directory)).toBe('700')
  expect(await modeOf(join(directory, 'ca.key'))).toBe('600')
  expect((await readdir(directory)).sort()).toEqual(['ca.crt', 'ca.key'])
  expect(await readFile(join(directory, 'ca.crt'), 'utf8')).toBe(certificate)

  expect((await opened(directory, ['harbor.example'])).certificate).toBe(certificate)
  expect(await readFile(join(directory, 'ca.key'), 'utf8')).toBe(key)
})

test('the authority says what it may be used for', async () => {
  const { certificate } = await opened(await scratch(), ['harbor.example'])
  const parsed = new X509Certificate(certificate)
  expect(parsed.ca).toBe(true)
  expect(parsed.verify(parsed.publicKey)).toBe(true)
  expect(parsed.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
  expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(parsed.validToDate.getTime() - Date.now()).toBeGreaterThan(3_650 * DAY_MS)
})

test('fewer hosts need no other authority; others are refused until that is asked for', async () => {
  const directory = await scratch()
  const { certificate } = await opened(directory, ['harbor.example', 'apps.example'])
  expect((await opened(directory, ['sub.apps.example'])).certificate).toBe(certificate)

  const refused = opened(directory, ['harbor.example', 'ghcr.io'])
  await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  await expect(refused).rejects.toThrow(/does not cover ghcr\.io; .*--intercept-renew-ca/)
  expect(await readFile(join(directory, 'ca.crt'), 'utf8')).toBe(certificate)

  const renewed = await opened(directory, ['harbor.example', 'ghcr.io'], { renew: true })
  expect(renewed.certificate).not.toBe(certificate)
  expect((await opened(directory, ['harbor.example', 'ghcr.io'], { renew: true })).certificate).toBe(
    renewed.certificate,
  )
})

test('an authority that has run out is refused', async () => {
  const directory = await scratch()
  await opened(directory, ['harbor.example'])
  const clock = createManualClock(Date.now() + 3_653 * DAY_MS)
  await expect(opened(directory, ['harbor.example'], { clock })).rejects.toThrow('ran out on')
})

test.each<[string, (directory: string) => Promise<void>]>([
  ['has lost its key', directory => rm(join(directory, 'ca.key'))],
  ['cannot be read', directory => writeFile(join(directory, 'ca.crt'), 'no certificate')],
  [
    'its key is not that of ca.crt',
    async directory => {
      const other = await makeCertificateAuthority(['harbor.example'], validNow())
      await writeFile(join(directory, 'ca.key'), other.key)
    },
  ],
  [
    'is a symbolic link',
    async directory => {
      await rename(join(directory, 'ca.key'), join(directory, 'other.key'))
      await symlink('other.key', join(directory, 'ca.key'))
    },
  ],
  ['is open to other users', directory => chmod(join(directory, 'ca.key'), 0o640)],
])('an authority that %s is refused', async (why, damage) => {
  const directory = await scratch()
  await opened(directory, ['harbor.example'])
  await damage(directory)
  const refused = opened(directory, ['harbor.example'])
  await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  await expect(refused).rejects.toThrow(why)
})

test('a key without a certificate is left over from a crash and replaced', async () => {
  const directory = join(await scratch(), 'intercept')
  await mkdir(directory, { mode: 0o700 })
  await writeFile(join(directory, 'ca.key'), 'half', { mode: 0o600 })
  await opened(directory, ['harbor.example'])
  expect(await readFile(join(directory, 'ca.key'), 'utf8')).toContain('PRIVATE KEY')
})

test('certificates of hosts are short-lived, back-dated and for the one host', async () => {
  const clock = createManualClock(Date.UTC(2026, 0, 10))
  const authority = await opened(await scratch(), ['apps.example', '10.1.2.3'], { clock })
  const leaf = await authority.issue('a.apps.example')
  const parsed = new X509Certificate(leaf.certificate)
  expect(parsed.subjectAltName).toBe('DNS:a.apps.example')
  expect(parsed.ca).toBe(false)
  expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(parsed.validFromDate.getTime()).toBe(clock.wallTime() - HOUR_MS)
  expect(parsed.validToDate.getTime()).toBe(clock.wallTime() + 48 * HOUR_MS)
  expect(leaf.renewAfterMs).toBe(24 * HOUR_MS)
  expect(new X509Certificate((await authority.issue('10.1.2.3')).certificate).subjectAltName).toBe(
    'IP Address:10.1.2.3',
  )
  await expect(authority.issue('ghcr.io')).rejects.toMatchObject({ code: 'DENIED' })
})

/** What a TLS client that trusts the authority says to a server with this certificate: undefined when it is content. */
async function judgement(
  ca: string,
  leaf: { certificate: string; key: string },
  host: string,
): Promise<string | undefined> {
  const server = createServer({ cert: leaf.certificate, key: leaf.key })
  server.on('tlsClientError', () => {})
  const sockets: TLSSocket[] = []
  server.on('secureConnection', socket => sockets.push(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return await new Promise(resolve => {
    const identity = isIP(host) === 0 ? { servername: host } : {}
    const client = connect({ port, host: '127.0.0.1', ca, ...identity, checkServerIdentity: () => undefined })
    client.once('secureConnect', () => resolve(undefined))
    client.once('error', error => resolve(error.message))
    onTestFinished(() => void client.destroy())
  })
}

const TRUSTED = undefined
const NOT_PERMITTED = 'permitted subtree violation'
const EXCLUDED = 'excluded subtree violation'

test.each([
  [['harbor.example'], 'harbor.example', TRUSTED],
  [['harbor.example'], 'evil.example', NOT_PERMITTED],
  [['harbor.example'], 'evilharbor.example', NOT_PERMITTED],
  // Addresses are excluded where none is listed, names where none is.
  [['harbor.example'], '10.1.2.3', EXCLUDED],
  [['harbor.example'], '2001:db8::1', EXCLUDED],
  [['apps.example'], 'a.apps.example', TRUSTED],
  [['10.1.2.3'], '10.1.2.3', TRUSTED],
  [['10.1.2.3'], '10.1.2.4', NOT_PERMITTED],
  [['10.1.2.3'], '2001:db8::1', NOT_PERMITTED],
  [['10.1.2.3'], 'harbor.example', EXCLUDED],
  [['2001:db8::1', 'harbor.example'], '2001:db8::1', TRUSTED],
  [['2001:db8::1', 'harbor.example'], '2001:db8::2', NOT_PERMITTED],
])('a certificate of an authority for %j for %s: %s', async (hosts, host, expected) => {
  const authority = await makeCertificateAuthority(hosts, validNow())
  const leaf = await makeLeaf(authority, host, validNow())
  expect(await judgement(authority.certificate, leaf, host)).toBe(expected)
  const constraints = nameConstraintsOf(authority.certificate)
  expect(decodeNameConstraints(constraints ?? new Uint8Array()).permits(host)).toBe(expected === TRUSTED)
})

test('many hosts fit', () => {
  const hosts = Array.from({ length: 500 }, (_, index) => `registry-${index}.apps.example`)
  const decoded = decodeNameConstraints(encodeNameConstraints([...hosts, '10.0.0.1']))
  expect(hosts.every(host => decoded.permits(host))).toBe(true)
  expect(decoded.permits('registry-500.apps.example')).toBe(false)
})

test('constraints that are cut off are refused', () => {
  const whole = encodeNameConstraints(['harbor.example'])
  expect(() => decodeNameConstraints(whole.subarray(0, -1))).toThrow('malformed')
})
