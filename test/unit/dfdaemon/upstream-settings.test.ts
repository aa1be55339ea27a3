import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configuredAccounts, configuredTls } from '../../../dfdaemon/upstream-settings.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import { createSelfSigned } from '../../helpers/self-signed.ts'

test('accounts are those of the registries that have one', () => {
  const account = { username: 'user', password: 'secret' }
  expect(configuredAccounts({ 'ghcr.io': { account }, 'quay.io': { p2p: false } })).toEqual({ 'ghcr.io': account })
})

test('certificates are looked at by the host that answers, not by the name in references', async () => {
  await using scratch = await createScratchDirectory()
  const caFile = join(scratch.path, 'ca.pem')
  const { cert } = createSelfSigned()
  await writeFile(caFile, cert)
  const tlsFor = await configuredTls({
    'harbor.example': { url: 'https://10.0.0.1:8443/', caFile },
    'docker.io': { insecure: true },
  })
  expect(tlsFor('10.0.0.1:8443')).toEqual({ ca: cert, insecure: false })
  expect(tlsFor('registry-1.docker.io')).toMatchObject({ insecure: true })
  expect(tlsFor('harbor.example')).toBeUndefined()
})

test('a certificate file that cannot be read stops the start', async () => {
  const upstreams = { 'harbor.example': { caFile: '/nowhere/ca.pem' } }
  await expect(configuredTls(upstreams)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})
