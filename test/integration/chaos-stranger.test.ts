import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { requestApi } from '../../lib/http/client/api-endpoint.ts'
import { openHub } from '../chaos/cluster/hub.ts'
import type { Intrusion } from '../chaos/peers/stranger-words.ts'
import { startCluster } from '../helpers/cluster.ts'
import { ownersApi } from '../helpers/join.ts'
import { startProcess } from '../helpers/process.ts'
import { waitFor } from '../helpers/wait.ts'

const STRANGER = fileURLToPath(new URL('../chaos/peers/stranger-main.ts', import.meta.url))
const PATIENCE_MS = 20_000

/** Lets a stranger at a supernode, with `until` for a condition of the test. @returns what it got */
async function intrusionsAt(
  trial: boolean,
  until: (refusals: number, got: readonly Intrusion[]) => boolean,
): Promise<readonly Intrusion[]> {
  await using cluster = await startCluster()
  const supernode = await cluster.supernode({ trial: `${trial}` })
  await using hub = await openHub(join(supernode.dataDir, 'hub.sock'))
  const got: Intrusion[] = []
  hub.on('stranger', message => void got.push(message as Intrusion))
  await using process = await startProcess('node', [STRANGER, hub.path, 'stranger', supernode.url])
  await hub.untilConnected('stranger', { timeoutMs: PATIENCE_MS })
  hub.send('stranger', { peers: [{ id: supernode.peerId, addresses: supernode.p2p() }] })
  const refusals = async () => {
    const text = await (await requestApi(ownersApi('supernode', supernode.dataDir), '/metrics')).body.text()
    return Number(/^damselfly_supernode_refused_connections_total (\d+)$/m.exec(text)?.[1] ?? 0)
  }
  await waitFor(async () => until(await refusals(), got), {
    timeoutMs: PATIENCE_MS,
    what: 'the stranger to be heard of',
  })
  await process.stop()
  return got
}

test('the stranger of a chaos run is refused by a supernode that is not on trial', async () => {
  expect(await intrusionsAt(false, refusals => refusals >= 2)).toEqual([])
})

test('the stranger of a chaos run tells what it gets where everybody gets it', async () => {
  const isAll = (what: string, got: readonly Intrusion[]) => got.some(intrusion => intrusion.what.startsWith(what))
  const got = await intrusionsAt(true, (_, all) => isAll('a stream of', all) && isAll('an answer of the API', all))
  expect(got.length).toBeGreaterThan(1)
})
