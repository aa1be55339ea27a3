import { join } from 'node:path'
import { createDaemonClient } from '../../dfdaemon/client/daemon-client.ts'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import { checkAllFrom } from '../loopback/check-account.ts'
import type { Client } from '../loopback/client-program.ts'
import type { LayerSwarm } from '../loopback/layer-swarm.ts'
import { type Dfdaemon, startDfdaemon } from '../loopback/programs.ts'
import { waitForPeer, waitForTask } from '../loopback/supernode-state.ts'
import { syncStored } from '../loopback/sync-stored.ts'
import { type Children, createChildren } from '../measure/children.ts'
import { touchMemory } from '../measure/touch-memory.ts'
import type { LayerPull, LayerPulls } from './figures.ts'

/** What pulls, from where, and where it is stored. */
export interface LastHopBench {
  readonly swarm: LayerSwarm
  readonly client: Client
  readonly directory: string
}

/**
 * Starts a dfdaemon that holds the layer and is known to the supernode. The layer has been checked, and the disk has no more to
 * write.
 * @throws DamselflyError CONTENT_CORRUPT; as `Child.ask` does
 */
export async function startHolder(
  children: Children,
  { swarm, client, directory }: LastHopBench,
  options: { signal: AbortSignal },
): Promise<void> {
  const { layer, supernodeUrl, supernodeDirectory, registry } = swarm
  const init = { label: 'the node that holds the layer', directory: join(directory, 'holder'), supernodeUrl }
  const holder = await startDfdaemon(children, init, registry)
  await client.check(holder.url, layer)
  await waitForTask(supernodeUrl, layer.digest, options)
  await waitForPeer(supernodeUrl, holder.peerId, options)
  for (const stored of [supernodeDirectory, init.directory]) await syncStored(stored, layer.digest)
}

/**
 * Pulls the layer through a dfdaemon that has just been started and holds nothing, then through the same one, which holds it, and
 * through one that is started after it with what it stored.
 * @throws DamselflyError CONTENT_CORRUPT; Error when any of it came from elsewhere than the other node; as `Child.ask` does
 */
export async function pullThrough(
  { swarm, client, directory }: LastHopBench,
  options: { signal: AbortSignal },
): Promise<LayerPulls> {
  const { layer, supernodeUrl, registry } = swarm
  await using scratch = await createScratchDirectory(directory)
  await using children = createChildren(options)
  const init = { label: 'the node that pulls', directory: scratch.path, supernodeUrl }

  async function pull(node: Dfdaemon): Promise<LayerPull> {
    const cpuBefore = await node.cpuSeconds()
    const { elapsedMs } = await client.get(node.url, layer)
    return { elapsedMs, cpuSeconds: (await node.cpuSeconds()) - cpuBefore }
  }

  const first = await startDfdaemon(children, init, registry)
  await waitForPeer(supernodeUrl, first.peerId, options)
  await touchMemory(2 * layer.sizeBytes, options)
  const cold = await pull(first)
  const [task] = await createDaemonClient(first.url).tasks(options)
  if (task === undefined) throw new Error('the node that pulls has stored nothing')
  checkAllFrom('peer', task.account, layer.sizeBytes)
  const warm = await pull(first)
  await first.stop()
  const second = await startDfdaemon(children, init, registry)
  const warmAfterRestart = await pull(second)
  await client.check(second.url, layer)
  return { cold, warm, warmAfterRestart }
}
