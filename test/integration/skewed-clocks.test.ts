import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { joinCluster } from '../../dfget/peer/cluster/join-cluster.ts'
import type { PeerTask } from '../../dfget/peer/peer.ts'
import { requestApi } from '../../lib/http/client/api-endpoint.ts'
import { createOperatorClient } from '../../supernode/client/operator-client.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster } from '../helpers/cluster.ts'
import { joinToken, ownersApi } from '../helpers/join.ts'
import { pullBlob } from '../helpers/pull.ts'
import { waitFor } from '../helpers/wait.ts'

const HOUR_MS = 3_600_000
const SKEWED_CLOCK = fileURLToPath(new URL('../helpers/skewed-clock.ts', import.meta.url))
const SECURE = { trial: 'false' }
const LOOPBACK_ALLOWED = {
  'outbound.allowNetworks': '127.0.0.0/8',
  'outbound.schemes': 'http,https',
  'outbound.allowPorts': '1-65535',
}
const BLOB_BYTES = 3_000_000

/** What a program has counted, all labels together, beside the metric's name. */
async function refusalsOf(program: 'supernode' | 'dfdaemon', dataDir: string): Promise<string[]> {
  const text = await (await requestApi(ownersApi(program, dataDir), '/metrics')).body.text()
  return text
    .split('\n')
    .filter(line => /^damselfly_\w+_(refusals|refused_connections|invalid_messages)_total.* [1-9]/.test(line))
}

async function onlyAccount(dataDir: string): Promise<PeerTask['account'] | undefined> {
  const tasks = (await (await requestApi(ownersApi('dfdaemon', dataDir), '/api/v1/tasks')).body.json()) as PeerTask[]
  return tasks[0]?.account
}

test('nodes whose clocks are an hour ahead, an hour behind and right give to each other without a refusal', async () => {
  await using cluster = await startCluster()
  const supernode = await cluster.supernode({ ...SECURE, ...LOOPBACK_ALLOWED })
  const token = await joinToken(supernode)
  const signal = AbortSignal.timeout(60_000)
  const operator = createOperatorClient(ownersApi('supernode', supernode.dataDir))
  const linked = async () => (await operator.members({ signal })).filter(member => member.linked).length

  const nodes = []
  for (const [at, skewMs] of [HOUR_MS, -HOUR_MS, 0, HOUR_MS].entries()) {
    const dataDir = join(supernode.dataDir, '..', `skewed-${at}`)
    await mkdir(dataDir, { mode: 0o700 })
    await joinCluster({ supernode: supernode.url, token, dataDir, name: `${at}`, temporary: false }, { signal })
    const env = {
      ...process.env,
      NODE_OPTIONS: `--import=${SKEWED_CLOCK}`,
      TEST_CLOCK_SKEW_MS: `${skewMs}`,
    }
    nodes.push(await cluster.dfdaemonProcess({ ...SECURE, dataDir }, { env }))
  }
  await waitFor(async () => (await linked()) === nodes.length, { timeoutMs: 20_000, what: 'the links of all nodes' })

  // Each but the first has a neighbour that holds all of it.
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  for (const [at, node] of nodes.entries()) {
    expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
    const account = await onlyAccount(node.dataDir)
    expect([at, account]).toMatchObject([at, at === 0 ? { supernodeBytes: BLOB_BYTES } : { peerBytes: BLOB_BYTES }])
  }
  expect(await refusalsOf('supernode', supernode.dataDir)).toEqual([])
  for (const { dataDir } of nodes) expect(await refusalsOf('dfdaemon', dataDir)).toEqual([])
}, 90_000)
