import { BlockBuffers } from '../lib/blocks/block-buffers.ts'
import { DiskBlockStore } from '../lib/blocks/disk-block-store.ts'
import { systemClock } from '../lib/clock.ts'
import { createThreadHasher } from '../lib/hashing/thread-hasher.ts'
import { createLifecycle, type Startable } from '../lib/lifecycle.ts'
import type { Logger } from '../lib/logger.ts'
import { createMetrics } from '../lib/metrics.ts'
import { loadOrCreateSeed, peerKeyFromSeed } from '../lib/p2p/identity.ts'
import { createLibp2pNode } from '../lib/p2p/libp2p-node.ts'
import { createSupernodeClient } from '../supernode/client/supernode-client.ts'
import { peerLimitsOf } from './config/limits.ts'
import type { DfgetConfig } from './config.ts'
import { createSources, type SourceSettings, type Sources } from './create-sources.ts'
import { clearDataDirectory, type DataDirectory } from './data-directory.ts'
import { createSwarmPeer } from './peer/create-swarm-peer.ts'
import { createPeerLimits } from './peer/exchange/peer-limits.ts'
import { PEER_METRICS } from './peer/metrics.ts'
import type { Peer } from './peer/peer.ts'

/** A peer for one download. */
export interface Dfget extends Startable {
  readonly peer: Peer
  readonly sources: Sources
  readonly dataDirectory: DataDirectory
}

/** The settings that make a peer. */
export type PeerSettings = SourceSettings &
  Pick<DfgetConfig, 'supernode' | 'p2p' | 'limitRate' | 'totalLimit' | 'uploadLimit' | 'concurrentUploads'>

/** Puts a dfget together. @throws DamselflyError CONFIG_INVALID, STORE_FAILED for an unsuitable data directory */
export async function createDfget(config: PeerSettings, dataDirectory: DataDirectory, logger: Logger): Promise<Dfget> {
  const clock = systemClock
  const metrics = createMetrics(PEER_METRICS)
  const sources = await createSources(config, { logger, clock })
  const privateKey = peerKeyFromSeed(await loadOrCreateSeed(dataDirectory.path, 'peer'))

  const buffers = new BlockBuffers()
  const hasher = createThreadHasher()
  const peer = createSwarmPeer({
    node: await createLibp2pNode({ privateKey, listen: config.p2p.listen }),
    store: new DiskBlockStore({ logger, clock, buffers, hasher }, { dataDir: dataDirectory.path }),
    buffers,
    hasher,
    origin: sources.origin,
    supernode: config.supernode === '' ? undefined : createSupernodeClient(config.supernode),
    limits: createPeerLimits({ clock, metrics }, peerLimitsOf(config)),
    clock,
    logger,
    metrics,
  })

  return { ...createLifecycle([sources, peer]), peer, sources, dataDirectory }
}

/**
 * Starts a dfget in the first of the directories that can be used.
 * @throws DamselflyError as `createDfget` does, when none can
 */
export async function startDfget(
  config: PeerSettings,
  directories: readonly DataDirectory[],
  logger: Logger,
): Promise<Dfget> {
  let failure: unknown
  for (const directory of directories) {
    try {
      const dfget = await createDfget(config, directory, logger)
      await dfget.start()
      return dfget
    } catch (error) {
      logger.warn({ directory: directory.path, error }, 'data directory not usable')
      if (directory.kept === 'never') await clearDataDirectory(directory, { complete: false, storedBytes: 0 })
      failure = error
    }
  }
  throw failure
}
