import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { expect, test } from 'vitest'
import { startCluster } from '../helpers/cluster.ts'

const PEER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
const TASK = `sha256:${'0a'.repeat(32)}`

/** Puts a record into a database of a data directory that nobody uses. */
async function damage(dataDir: string, name: string, key: string, sublevel?: string, text = 'null'): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const database = new Level(join(dataDir, name))
  await (sublevel === undefined ? database : database.sublevel(sublevel)).put(key, text)
  await database.close()
}

test.each([
  ['members', PEER],
  ['imports', TASK],
  ['small', TASK, 'records'],
  ['index', TASK, 'tasks', '{"'],
  ['index', 'epoch', 'state', '"x"'],
  ['index', 'running', 'state', '{"'],
])('a supernode starts although a record of %s is damaged', async (name, key, sublevel?: string, text?: string) => {
  await using cluster = await startCluster()
  const { dataDir, stop } = await cluster.supernode()
  await stop()
  await damage(dataDir, name, key, sublevel, text)
  await expect(cluster.supernode({ dataDir })).resolves.toBeDefined()
})

test.each([
  ['expulsions', PEER, 'revoke anew'],
  ['blocklist', TASK, 'block anew'],
])('a supernode does not start when what %s forbids is not known', async (name, key, advice) => {
  await using cluster = await startCluster()
  const { dataDir, stop } = await cluster.supernode()
  await stop()
  await damage(dataDir, name, key)
  await expect(cluster.supernode({ dataDir })).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringMatching(new RegExp(`^.*${name}.*${key}.*${advice}`)),
  })
})

test('a dfdaemon starts although a manifest and a task are damaged', async () => {
  await using cluster = await startCluster()
  const { dataDir, stop } = await cluster.dfdaemon()
  await stop()
  await damage(dataDir, 'manifests', TASK, 'about')
  await damage(dataDir, 'index', TASK, 'tasks', '{"')
  await expect(cluster.dfdaemon({ dataDir })).resolves.toBeDefined()
})
