import { copyFile, mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { joinCluster } from '../../dfget/peer/cluster/join-cluster.ts'
import { createOperatorClient } from '../../supernode/client/operator-client.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { joinToken, ownersApi } from '../helpers/join.ts'
import { waitFor } from '../helpers/wait.ts'
import { type Diagnosis, runDoctor } from '../unit/dfdaemon/doctor/fixture.ts'
import { createMachineRoot } from '../unit/dfdaemon/install/fixture.ts'

const SECURE = { trial: 'false' }
const TIMEOUT_MS = 10_000
const signal = () => AbortSignal.timeout(TIMEOUT_MS)

let cluster: TestCluster
let supernode: TestProgram
/** Of another cluster. */
let stranger: TestProgram
let directories = 0

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode(SECURE)
  stranger = await cluster.supernode(SECURE)
})

afterAll(() => cluster[Symbol.asyncDispose]())

/** What `dfdaemon doctor` says of a machine whose podman is set up for the mirror, as the owner of the dfdaemon. */
async function doctor(mirror: string, dataDir: string, ...args: string[]): Promise<Diagnosis> {
  await using root = await createMachineRoot()
  await root.install('podman', { mirror })
  const places = ['--root', root.path, '--runtime', 'podman', '--listen', new URL(mirror).host, '--data-dir', dataDir]
  return await runDoctor(...places, ...args)
}

async function newDirectory(): Promise<string> {
  const path = join(supernode.dataDir, '..', `examined-${directories++}`)
  await mkdir(path, { mode: 0o700 })
  return path
}

async function joinFrom(dataDir: string): Promise<void> {
  const init = {
    supernode: supernode.url,
    token: await joinToken(supernode),
    dataDir,
    name: 'a node',
    temporary: false,
  }
  await joinCluster(init, { signal: signal() })
}

const operator = () => createOperatorClient(ownersApi('supernode', supernode.dataDir))

/** A dfdaemon that has joined and is linked. */
async function startMember(): Promise<TestProgram> {
  const dataDir = await newDirectory()
  await joinFrom(dataDir)
  const node = await cluster.dfdaemon({ ...SECURE, dataDir })
  const isLinked = async () =>
    (await operator().members({ signal: signal() })).some(({ id, linked }) => id === node.peerId && linked)
  await waitFor(isLinked, { timeoutMs: TIMEOUT_MS, what: 'the link' })
  return node
}

test('a member that is well is found so, by its own key', async () => {
  const node = await startMember()
  const { findings, said, exitCode } = await doctor(node.url, node.dataDir)
  expect(findings.filter(({ status }) => status !== 'ok')).toEqual([])
  expect(exitCode).toBe(0)
  expect(findings.map(({ check }) => check)).toEqual([
    ...['configuration', 'runtime-podman', 'dfdaemon', 'versions', 'data-directory', 'peer-port', 'supernode'],
    ...['membership', 'link-to-supernode', 'link-from-supernode', 'clock', 'test-pull'],
  ])
  expect(said('supernode')).toMatch(new RegExp(`^ok: version .+ answers at ${supernode.url}$`))
  expect(said('membership')).toBe(`ok: a member of the cluster of ${supernode.url}`)
})

test('one that is revoked learns that it is out, and how to come back', async () => {
  const node = await startMember()
  await operator().revoke(node.peerId, { signal: signal() })
  const { said, mendOf, exitCode } = await doctor(node.url, node.dataDir)
  expect(said('membership')).toContain(`fail: no member of the cluster of ${supernode.url} any more`)
  expect(mendOf('membership')).toContain(`dfdaemon join --data-dir ${node.dataDir} ${supernode.url} --token-file FILE`)
  expect(mendOf('membership')).toContain(`supernode block remove ${node.peerId}`)
  expect(said('link-to-supernode')).toBeUndefined()
  expect(said('supernode')).toMatch(/^ok/)
  expect(exitCode).toBe(1)
})

test('one that has not joined learns how, whether it has a supernode or not', async () => {
  const dataDir = await newDirectory()
  const none = await doctor('http://127.0.0.1:1', dataDir)
  expect(none.said('supernode')).toContain('warn: none is configured')
  expect(none.mendOf('supernode')).toContain('https://SUPERNODE:8002 --token-file FILE')
  expect(none.said('membership')).toBeUndefined()
  const named = await doctor('http://127.0.0.1:1', dataDir, '--supernode', supernode.url)
  expect(named.said('membership')).toBe(`fail: ${supernode.url} has not been joined from ${dataDir}`)
  expect(named.mendOf('membership')).toContain(`${supernode.url} --token-file FILE`)
  expect(named.said('supernode')).toBeUndefined()
  await expect(stat(join(dataDir, 'peer.key'))).rejects.toThrow('ENOENT')
})

test('one that runs since before it joined is to be started again', async () => {
  const dataDir = await newDirectory()
  const node = await cluster.dfdaemon({ ...SECURE, dataDir })
  await joinFrom(dataDir)
  const { said, mendOf } = await doctor(node.url, dataDir)
  expect(said('membership')).toBe(`fail: the dfdaemon was started before this node joined ${supernode.url}`)
  expect(mendOf('membership')).toContain('after ending the one that runs')
  expect(said('supernode')).toMatch(/^ok/)
})

test('a supernode of another cluster is told from one that does not answer', async () => {
  const dataDir = await newDirectory()
  await joinFrom(dataDir)
  const { said, mendOf } = await doctor('http://127.0.0.1:1', dataDir, '--supernode', stranger.url)
  const { host } = new URL(stranger.url)
  expect(said('supernode')).toContain(`fail: ${host}: its certificate is not of this cluster`)
  expect(mendOf('supernode')).toContain(`${stranger.url} --token-file FILE`)
  expect(said('membership')).toBeUndefined()
})

test('a key that is missing is told, and no new one is made', async () => {
  const dataDir = await newDirectory()
  await joinFrom(dataDir)
  await rm(join(dataDir, 'peer.key'))
  const { said } = await doctor('http://127.0.0.1:1', dataDir)
  expect(said('membership')).toMatch(/^fail: .*peer\.key.* is missing/)
  await expect(stat(join(dataDir, 'peer.key'))).rejects.toThrow('ENOENT')
})

test('a file of the cluster that is damaged is told', async () => {
  const dataDir = await newDirectory()
  await joinFrom(dataDir)
  await copyFile(join(dataDir, 'peer.key'), join(dataDir, 'cluster.json'))
  const { said } = await doctor('http://127.0.0.1:1', dataDir)
  expect(said('membership')).toMatch(/^fail: .*cluster\.json is damaged/)
})

test('an http supernode that is not on this machine is one that dfdaemon refuses', async () => {
  const { said, mendOf } = await doctor('http://127.0.0.1:1', await newDirectory(), '--supernode', 'http://s.example')
  expect(said('membership')).toContain('http://s.example is an http:// supernode')
  expect(mendOf('membership')).toContain('https://s.example --token-file FILE')
})
