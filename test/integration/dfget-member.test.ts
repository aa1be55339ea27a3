import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createOperatorClient } from '../../supernode/client/operator-client.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { createDfgetUser, type DfgetUser } from '../helpers/dfget-user.ts'
import { makeToken, ownersApi } from '../helpers/join.ts'

const SIGNAL = () => AbortSignal.timeout(10_000)

let cluster: TestCluster
let supernode: TestProgram
let user: DfgetUser

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode({
    trial: 'false',
    'outbound.schemes': 'http,https',
    'outbound.allowNetworks': '127.0.0.0/8',
    'outbound.allowPorts': '1-65535',
    'requests.failedAttempts.perSecond': '0',
  })
})

afterAll(() => cluster[Symbol.asyncDispose]())

beforeEach(async () => {
  user = await createDfgetUser()
  return () => user[Symbol.asyncDispose]()
})

/** A file with a new token, as an operator hands it out. */
async function tokenFile(role: 'node' | 'viewer' | 'operator'): Promise<string> {
  const { token } = await makeToken(supernode, role === 'node' ? { role, uses: 2 } : { role })
  const path = join(user.elsewhere, `${role}.token`)
  await writeFile(path, `${token}\n`, { mode: 0o600 })
  return path
}

const members = () => createOperatorClient(ownersApi('supernode', supernode.dataDir)).members({ signal: SIGNAL() })

test('a run joins with a token, reads through the swarm, and is a member for no longer than its credential', async () => {
  const blob = await seedBlob(cluster.registry, 3_000_000)
  const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
  const args = ['--json', '--supernode', supernode.url, '--token-file', await tokenFile('node'), url]
  for (const name of ['first', 'second']) {
    const { code, stdout } = await user.run('-O', name, ...args)
    expect(code).toBe(0)
    expect(stdout).toContain('"originBytes":0')
  }
  expect(cluster.registry.stats.snapshot().blobs[blob.digest]?.bytesSent).toBe(blob.bytes.length)
  expect((await members()).map(({ temporary }) => temporary)).toEqual([true, true])
})

test('without a token that lets it in, a run says what is to be done, and nothing is fetched by it', async () => {
  const url = `${cluster.registry.url}/v2/x/blobs/sha256:${'0'.repeat(64)}`
  const missing = await user.run('--supernode', supernode.url, url)
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringMatching(/has not joined .*: give --token-file /) })
  const viewing = await user.run('--supernode', supernode.url, '--token-file', await tokenFile('viewer'), url)
  expect(viewing.code).not.toBe(0)
  expect(viewing.stderr).toContain('the token is not valid')
})

test('an operator imports a file, and a viewer sees it', async () => {
  await writeFile(join(user.home, 'model.bin'), Buffer.alloc(100_000, 7))
  const operator = ['--supernode', supernode.url, '--token-file', await tokenFile('operator')]
  const viewer = ['--supernode', supernode.url, '--token-file', await tokenFile('viewer')]
  const imported = await user.run(...operator, '--json', 'import', 'model.bin')
  expect(imported.code).toBe(0)
  const digest = /sha256:[0-9a-f]{64}/.exec(imported.stdout)?.[0] ?? ''
  expect(await user.run(...viewer, 'stat', digest)).toMatchObject({ code: 0, stdout: expect.stringContaining(digest) })
  const refused = await user.run(...viewer, 'rm', digest)
  expect([refused.code === 0, refused.stderr]).toEqual([false, expect.stringContaining('this is for operators')])
})
