import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { readClusterFile } from '../../../../dfget/peer/cluster/cluster-file.ts'
import { openCluster } from '../../../../dfget/peer/cluster/open-cluster.ts'
import { systemClock } from '../../../../lib/clock.ts'
import { ClusterClock } from '../../../../lib/cluster-clock.ts'
import type { ApiEndpoint } from '../../../../lib/http/client/api-endpoint.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { loadOrCreateSeed } from '../../../../lib/p2p/identity.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { bounded } from '../bounded.ts'
import type { ClusterState } from '../checks/membership.ts'
import { connectionFailure } from '../connection-failure.ts'
import { isLoopback } from '../endpoints.ts'

/** The cluster of a node, as far as it can be seen from its data directory. */
export interface ClusterProbe extends AsyncDisposable {
  readonly state: ClusterState
  /** URL of the supernode; empty for none. */
  readonly url: string
  /** The supernode's API as the node itself asks it; undefined where it cannot. */
  readonly api: ApiEndpoint | undefined
}

/** What a dfdaemon has, or would have. */
export interface ClusterProbeInit {
  /** URL of its supernode; empty for that of the cluster which it has joined, if any. */
  readonly supernode: string
  readonly dataDir: string
}

/** Looks for what a node knows of its supernode. Whoever asks disposes of it. */
export async function probeCluster(init: ClusterProbeInit): Promise<ClusterProbe> {
  const { supernode, dataDir } = init
  const without = (state: ClusterState): ClusterProbe => ({
    ...{ state, url: supernode, api: undefined },
    [Symbol.asyncDispose]: async () => {},
  })
  if (supernode.startsWith('http://')) {
    if (!isLoopback(new URL(supernode).hostname)) return without({ kind: 'insecure' })
    return { ...without({ kind: 'trial' }), api: { url: supernode, headers: {} } }
  }
  const opened = await bounded(() => openJoined(init))
  if ('value' in opened) return opened.value ?? without({ kind: supernode === '' ? 'none' : 'not-joined', dataDir })
  const { error } = opened
  const isClosed = error instanceof DamselflyError && (error.cause as NodeJS.ErrnoException)?.code === 'EACCES'
  if (isClosed) return without({ kind: 'closed', path: join(dataDir, 'cluster.json') })
  const problem = error instanceof DamselflyError ? (error.detail ?? error.message) : connectionFailure(error).reason
  return without({ kind: 'damaged', problem })
}

async function openJoined({ supernode, dataDir }: ClusterProbeInit): Promise<ClusterProbe | undefined> {
  const found = await readClusterFile(dataDir)
  if (found === undefined) return undefined
  const joined = supernode === '' ? found : { ...found, supernode }
  await checkKey(join(dataDir, 'peer.key'))
  const seed = await loadOrCreateSeed(dataDir, 'peer')
  const components = { clock: new ClusterClock(systemClock), logger: silentLogger(), account: { refused: () => {} } }
  const cluster = await openCluster(components, { dataDir, seed, joined })
  return {
    state: { kind: 'joined', peerId: joined.peerId },
    url: joined.supernode,
    api: cluster.api,
    [Symbol.asyncDispose]: () => cluster.stop(),
  }
}

/** A new one would be made of a key that is missing, and a doctor changes nothing. */
async function checkKey(path: string): Promise<void> {
  try {
    await access(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new DamselflyError('CONFIG_INVALID', `${path}, the key with which this node has joined, is missing`)
  }
}
