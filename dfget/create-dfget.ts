import { hostname } from 'node:os'
import { BlockBuffers } from '../lib/blocks/block-buffers.ts'
import { DiskBlockStore } from '../lib/blocks/disk-block-store.ts'
import { systemClock } from '../lib/clock.ts'
import { ClusterClock } from '../lib/cluster-clock.ts'
import { createThreadHasher } from '../lib/hashing/thread-hasher.ts'
import { readToken } from '../lib/http/client/token-file.ts'
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
import { readClusterFile } from './peer/cluster/cluster-file.ts'
import { type FoundCluster, findCluster } from './peer/cluster/find-cluster.ts'
import type { OpenClusterComponents } from './peer/cluster/open-cluster.ts'
import { createSwarmPeer } from './peer/create-swarm-peer.ts'
import { createPeerLimits } from './peer/exchange/peer-limits.ts'
import { PEER_METRICS } from './peer/metrics.ts'
import type { Peer } from './peer/peer.ts'

const JOIN_TIMEOUT_MS = 5_000
const HOW_TO_JOIN =
  'give --token-file with a token that "supernode token create --role node" makes, or run a dfdaemon that has joined'

/** A peer for one download. */
export interface Dfget extends Startable {
  readonly peer: Peer
  readonly sources: Sources
  readonly dataDirectory: DataDirectory
}

/** The settings that make a peer. */
export type PeerSettings = SourceSettings &
  Pick<
    DfgetConfig,
    'supernode' | 'tokenFile' | 'p2p' | 'limitRate' | 'totalLimit' | 'uploadLimit' | 'concurrentUploads'
  >

/** Puts a dfget together. @throws DamselflyError CONFIG_INVALID, STORE_FAILED for an unsuitable data directory */
export async function createDfget(config: PeerSettings, dataDirectory: DataDirectory, logger: Logger): Promise<Dfget> {
  const clock = new ClusterClock(systemClock)
  const metrics = createMetrics(PEER_METRICS)
  const sources = await createSources(config, { logger, clock })
  const privateKey = peerKeyFromSeed(await loadOrCreateSeed(dataDirectory.path, 'peer'))
  const { api, cluster } = await clusterOf(config, dataDirectory, {
    clock,
    logger,
    account: { refused: () => metrics.refusedConnections.inc() },
  })

  const buffers = new BlockBuffers()
  const hasher = createThreadHasher()
  const peer = createSwarmPeer({
    node: await createLibp2pNode({
      privateKey,
      listen: config.p2p.listen,
      clock,
      ...(cluster && { admission: cluster.admission }),
    }),
    store: new DiskBlockStore({ logger, clock, buffers, hasher }, { dataDir: dataDirectory.path }),
    buffers,
    hasher,
    origin: sources.origin,
    supernode: api && createSupernodeClient(api),
    limits: createPeerLimits({ clock, metrics }, peerLimitsOf(config)),
    clock,
    logger,
    metrics,
  })

  return { ...createLifecycle([sources, ...(cluster ? [cluster] : []), peer]), peer, sources, dataDirectory }
}

/** The supernode of a run, which is joined where that has not been done from this directory. */
async function clusterOf(
  { supernode, tokenFile, p2p }: PeerSettings,
  { path: dataDir, kept }: DataDirectory,
  components: OpenClusterComponents,
): Promise<FoundCluster> {
  if (tokenFile !== '' && (await readClusterFile(dataDir)) === undefined) {
    const init = { supernode, token: readToken(tokenFile), dataDir, name: hostname(), temporary: kept !== 'always' }
    // Loaded here: a trial needs no certificates, and they take their time.
    const { joinCluster } = await import('./peer/cluster/join-cluster.ts')
    await joinCluster(init, { signal: AbortSignal.timeout(JOIN_TIMEOUT_MS) })
  }
  return findCluster(components, {
    supernode,
    multiaddrs: { 'p2p.listen': p2p.listen },
    dataDir,
    howToJoin: HOW_TO_JOIN,
  })
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
