import { join } from 'node:path'
import { peakMemoryBytes } from '../../test/helpers/peak-memory.ts'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import { checkAllFrom } from '../loopback/check-account.ts'
import type { LayerSwarm } from '../loopback/layer-swarm.ts'
import { type Dfget, startDfget } from '../loopback/programs.ts'
import { waitForPeer, waitForTask } from '../loopback/supernode-state.ts'
import { syncStored } from '../loopback/sync-stored.ts'
import { type Children, createChildren } from '../measure/children.ts'
import { touchMemory } from '../measure/touch-memory.ts'
import type { StoredTransfer } from './figures.ts'

/**
 * Starts a peer that holds the layer. Another has fetched it before, so that what this one takes is what serving takes; and the
 * disk has no more to write.
 * @param directory where it is stored
 * @throws as `Child.ask` does
 */
export async function startSender(
  children: Children,
  { layer, supernodeUrl, supernodeDirectory }: LayerSwarm,
  directory: string,
  options: { signal: AbortSignal },
): Promise<Dfget> {
  const init = { directory: join(directory, 'sender'), supernodeUrl }
  const first = await startDfget(children, { ...init, label: 'the first peer' })
  await first.fetch(layer, layer.sizeBytes)
  await first.stop()
  await waitForTask(supernodeUrl, layer.digest, options)
  await syncStored(supernodeDirectory, layer.digest)
  const sender = await startDfget(children, { ...init, label: 'the sender' })
  await waitForPeer(supernodeUrl, sender.peerId, options)
  return sender
}

/**
 * Has a peer that has just been started fetch the layer from the sender, and measures it.
 * @param directory where it is stored; removed afterwards
 * @throws Error when any of it came from elsewhere; as `Child.ask` does
 */
export async function fetchFrom(
  sender: Dfget,
  { layer, supernodeUrl }: LayerSwarm,
  directory: string,
  options: { signal: AbortSignal },
): Promise<StoredTransfer> {
  await using scratch = await createScratchDirectory(directory)
  await using children = createChildren(options)
  const receiver = await startDfget(children, { label: 'the receiver', directory: scratch.path, supernodeUrl })
  await touchMemory(2 * layer.sizeBytes, options)
  const senderBefore = await sender.cpuSeconds()
  const { account, ...fetched } = await receiver.fetch(layer, layer.sizeBytes)
  const syncMs = await syncStored(scratch.path, layer.digest)
  checkAllFrom('peer', account, layer.sizeBytes)
  return {
    elapsedMs: fetched.elapsedMs,
    syncMs,
    receiverCpuSeconds: fetched.cpuSeconds,
    senderCpuSeconds: (await sender.cpuSeconds()) - senderBefore,
    peakBytes: Math.max(await peakMemoryBytes(sender.pid), await peakMemoryBytes(receiver.pid)),
  }
}
