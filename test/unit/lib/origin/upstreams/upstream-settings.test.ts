import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configuredAccounts, configuredTls } from '../../../../../lib/origin/upstreams/upstream-settings.ts'
import { createScratchDirectory } from '../../../../helpers/scratch-directory.ts'
import { createSelfSigned } from '../../../../helpers/self-signed.ts'

test('accounts are those of the registries that have one', () => {
  const account = { username: 'user', password: 'secret' }
  expect(configuredAccounts({ 'ghcr.io': { account }, 'quay.io': {} })).toEqual({ 'ghcr.io': account })
})

test('certificates are looked at by the host that answers, not by the name in references', async () => {
  await using scratch = await createScratchDirectory()
  const caFile = join(scratch.path, 'ca.pem')
  const { cert } = createSelfSigned()
  await writeFile(caFile, cert)
  const tlsFor = await configuredTls({
    'harbor.example': { url: 'https://10.0.0.1:8443/', caFile },
    'docker.io': { insecure: true, mirrors: [{ url: 'https://mirror.example/v2/hub', caFile }] },
  })
  expect(tlsFor('10.0.0.1:8443')).toEqual({ ca: cert, insecure: false })
  expect(tlsFor('registry-1.docker.io')).toMatchObject({ insecure: true })
  expect(tlsFor('mirror.example')).toEqual({ ca: cert, insecure: false })
  expect(tlsFor('harbor.example')).toBeUndefined()
})

test('a certificate file that cannot be read stops the start', async () => {
  const caFile = '/nowhere/ca.pem'
  const invalid = { code: 'CONFIG_INVALID' }
  await expect(configuredTls({ 'harbor.example': { caFile } })).rejects.toMatchObject(invalid)
  const mirrors = [{ url: 'https://mirror.example', caFile }]
  await expect(configuredTls({ 'harbor.example': { mirrors } })).rejects.toMatchObject(invalid)
})

test('a mirror without settings of its own leaves those of the registry at its host alone', async () => {
  const tlsFor = await configuredTls({
    'harbor.example': { insecure: true },
    'docker.io': { mirrors: [{ url: 'https://harbor.example/v2/hub' }] },
  })
  expect(tlsFor('harbor.example')).toMatchObject({ insecure: true })
})

test('one host that is to be looked at in two ways stops the start', async () => {
  const upstreams = {
    'harbor.example': { insecure: false },
    'docker.io': { mirrors: [{ url: 'https://harbor.example/v2/hub', insecure: true }] },
  }
  await expect(configuredTls(upstreams)).rejects.toThrow(/harbor\.example has two different settings/)
})
