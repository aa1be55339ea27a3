import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import type { LocatedTask } from '../../protocol/messages/task-api.ts'
import { ask } from '../helpers/ask.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { createDfgetUser, type DfgetUser, lastJson } from '../helpers/dfget-user.ts'
import { pullBlob } from '../helpers/pull.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const FAST = { 'imports.replicaGraceSeconds': '0.3' }

let cluster: TestCluster
let user: DfgetUser

beforeEach(async () => {
  cluster = await startCluster()
  user = await createDfgetUser()
})

afterEach(async () => {
  await user[Symbol.asyncDispose]()
  await cluster[Symbol.asyncDispose]()
})

async function file(name: string, bytes: number): Promise<{ content: Buffer; digest: string }> {
  const content = randomBytes(bytes)
  await writeFile(join(user.home, name), content)
  return { content, digest: digestOf(content) }
}

/** Imports a file, which must go well. */
async function imported(supernode: TestProgram, bytes: number, ...options: string[]) {
  const made = await file('given.bin', bytes)
  const run = await user.run('import', 'given.bin', '--supernode', supernode.url, '--quiet', ...options)
  expect(run).toEqual({ code: 0, stdout: `${made.digest}\n`, stderr: '' })
  return made
}

async function stat(supernode: TestProgram, digest: string): Promise<LocatedTask> {
  const { status, body } = await ask(`${supernode.url}/api/v1/tasks/${digest}`)
  expect(status).toBe(200)
  return JSON.parse(body.toString())
}

async function kept(supernode: TestProgram, digest: string, count: number): Promise<string[]> {
  let keepers: string[] = []
  const isSo = async () => {
    const { holders, replicas } = await stat(supernode, digest)
    keepers = holders.filter(({ replica, storedBytes }) => replica === 'kept' && storedBytes > 0).map(({ id }) => id)
    return keepers.length === count && replicas.kept === count
  }
  await waitFor(isSo, { timeoutMs: 15_000, what: `${count} replicas` })
  return keepers.toSorted()
}

async function stored(node: TestProgram): Promise<{ id: string; pinned: boolean }[]> {
  const { body } = await ask(`${node.url}/api/v1/store`)
  return JSON.parse(body.toString()).tasks.map(({ id, pinned }: { id: string; pinned: boolean }) => ({ id, pinned }))
}

test('what is imported can be had by its digest, without any origin', async () => {
  const supernode = await cluster.supernode()
  const { content, digest } = await imported(supernode, 3 * MIB + 17)
  const run = await user.run('export', digest, '-O', 'taken.bin', '--supernode', supernode.url, '--json')
  expect(run.code).toBe(0)
  expect(lastJson(run.stdout)).toMatchObject({
    url: `swarm:${digest}`,
    digest,
    originBytes: 0,
    supernodeBytes: content.length,
  })
  expect((await readFile(join(user.home, 'taken.bin'))).equals(content)).toBe(true)
  expect(await stat(supernode, digest)).toMatchObject({ imported: true, pinned: true, state: 'complete', small: false })
})

test('replicas are made, made anew when one is lost, and let go', async () => {
  const supernode = await cluster.supernode(FAST)
  const nodes = new Map<string, TestProgram>()
  for (const zone of ['a', 'b', 'b']) {
    const node = await cluster.dfdaemon({ supernode: supernode.url, 'labels.zone': zone })
    nodes.set(node.peerId, node)
  }
  const { digest } = await imported(supernode, 2 * MIB, '--replicas', '2')
  const first = await kept(supernode, digest, 2)
  const holders = (await stat(supernode, digest)).holders
  expect(holders.map(({ labels }) => labels.zone).toSorted()).toEqual(['a', 'b'])
  const [lost = '', other = ''] = first
  expect(await stored(nodes.get(lost) as TestProgram)).toEqual([{ id: digest, pinned: true }])

  await nodes.get(lost)?.stop()
  nodes.delete(lost)
  await waitFor(async () => !(await kept(supernode, digest, 2)).includes(lost), { timeoutMs: 15_000, what: 'another' })
  expect((await kept(supernode, digest, 2)).toSorted()).toEqual([...nodes.keys()].toSorted())
  expect(nodes.has(other)).toBe(true)

  const shown = await user.run('stat', digest, '--supernode', supernode.url)
  expect(shown.stdout).toMatch(/replicas: 2 of 2\n/)
  const removal = await user.run('rm', digest, '--supernode', supernode.url)
  expect(removal).toEqual({ code: 0, stdout: `${digest}\n`, stderr: '' })
  for (const node of nodes.values()) {
    await waitFor(async () => (await stored(node)).length === 0, { timeoutMs: 10_000, what: 'the replica to go' })
  }
  const unknown = await user.run('export', digest, '-O', 'x', '--supernode', supernode.url)
  expect(unknown).toMatchObject({ code: 22, stderr: `dfget: task unknown: nobody has imported ${digest}\n` })
})

test('small and empty content has replicas, too', async () => {
  const supernode = await cluster.supernode(FAST)
  const node = await cluster.dfdaemon({ supernode: supernode.url })
  for (const bytes of [0, 5]) {
    const { digest, content } = await imported(supernode, bytes, '--replicas', '1')
    const isKept = async () => (await stat(supernode, digest)).replicas.kept === 1
    await waitFor(isKept, { timeoutMs: 10_000, what: 'the replica' })
    const { holders } = await stat(supernode, digest)
    expect(holders).toMatchObject([{ id: node.peerId, storedBytes: bytes, replica: 'kept' }])
    const run = await user.run('export', digest, '-O', `taken-${bytes}`, '--supernode', supernode.url, '--quiet')
    expect(run).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await readFile(join(user.home, `taken-${bytes}`))).equals(content)).toBe(true)
  }
})

test('an export goes on from replicas when the supernode is gone', async () => {
  const supernode = await cluster.supernode({ ...FAST, 'limits.egress': '1MiB' })
  const node = await cluster.dfdaemon({ supernode: supernode.url, 'limits.upload': '2MiB' })
  const { digest, content } = await imported(supernode, 6 * MIB, '--replicas', '1')
  expect(await kept(supernode, digest, 1)).toEqual([node.peerId])
  await using exporting = await user.start('export', digest, '-O', 'taken', '--supernode', supernode.url, '--json')
  const isReading = async () => (await stat(supernode, digest)).holders.some(({ replica }) => replica === 'none')
  await waitFor(isReading, { timeoutMs: 10_000, what: 'the export to get blocks' })
  await supernode.stop()
  const { code } = await exporting.exited
  expect([code, exporting.stderr.text()]).toEqual([0, expect.stringContaining('from peers')])
  expect((await readFile(join(user.home, 'taken'))).equals(content)).toBe(true)
})

test('private content of a registry cannot be had by whoever knows its digest', async () => {
  const supernode = await cluster.supernode()
  const node = await cluster.dfdaemon({ supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, 600_000)
  await pullBlob(node, blob)
  const run = await user.run('export', blob.digest, '-O', 'x', '--supernode', supernode.url)
  expect(run).toMatchObject({ code: 22, stderr: `dfget: task unknown: nobody has imported ${blob.digest}\n` })
  expect(await user.leftovers()).toEqual({ files: [], cache: 0 })
})

test('imports and their replicas outlast a restart of the supernode and of the nodes', async () => {
  const supernode = await cluster.supernode(FAST)
  const listen = new URL(supernode.url).host
  const node = await cluster.dfdaemon({ supernode: supernode.url })
  const { digest, content } = await imported(supernode, MIB, '--replicas', '1')
  await kept(supernode, digest, 1)
  await supernode.stop()
  await node.stop()
  const again = await cluster.supernode({ ...FAST, 'http.listen': listen, dataDir: supernode.dataDir })
  const nodeAgain = await cluster.dfdaemon({ supernode: again.url, dataDir: node.dataDir })
  await cluster.dfdaemon({ supernode: again.url })
  expect(await kept(again, digest, 1)).toEqual([nodeAgain.peerId])
  expect(await stored(nodeAgain)).toEqual([{ id: digest, pinned: true }])
  const run = await user.run('export', digest, '-O', 'y', '--supernode', again.url)
  expect(run.code).toBe(0)
  expect((await readFile(join(user.home, 'y'))).equals(content)).toBe(true)
})
