import { checkLoopbackOnly } from '../../../lib/config/loopback-only.ts'
import { type ApiEndpoint, urlEndpoint } from '../../../lib/http/client/api-endpoint.ts'
import { loadOrCreateSeed } from '../../../lib/p2p/identity.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { readClusterFile } from './cluster-file.ts'
import type { OpenCluster, OpenClusterComponents } from './open-cluster.ts'

/** A peer's supernode: none, one of a trial, or that of the cluster it has joined. */
export interface FoundCluster {
  readonly api: ApiEndpoint | undefined
  readonly cluster: OpenCluster | undefined
}

/** What a peer's settings say. */
export interface FindClusterInit {
  /** URL of the supernode; empty for that of the cluster which has been joined, if any. */
  readonly supernode: string
  /** The peer's own multiaddrs. */
  readonly multiaddrs: Readonly<Record<string, readonly string[]>>
  readonly dataDir: string
  /** What to do where a supernode is named that has not been joined. */
  readonly howToJoin: string
}

const WHY_HTTP =
  'an http:// supernode is one on trial, which has no protection; give an https:// one, and join it with a token'

/**
 * Finds a peer's supernode. One with an `http:` URL is on trial: all of it stays on the loopback.
 * @throws DamselflyError CONFIG_INVALID, also for an `https:` supernode that has not been joined
 */
export async function findCluster(
  components: OpenClusterComponents,
  { supernode, multiaddrs, dataDir, howToJoin }: FindClusterInit,
): Promise<FoundCluster> {
  if (supernode.startsWith('http://')) {
    checkLoopbackOnly({ multiaddrs, urls: { supernode } }, WHY_HTTP)
    return { api: urlEndpoint(supernode), cluster: undefined }
  }
  const joined = await readClusterFile(dataDir)
  if (joined === undefined) {
    if (supernode === '') return { api: undefined, cluster: undefined }
    throw new DamselflyError('CONFIG_INVALID', `this node has not joined ${supernode}: ${howToJoin}`)
  }
  const seed = await loadOrCreateSeed(dataDir, 'peer')
  const init = { dataDir, seed, joined: supernode === '' ? joined : { ...joined, supernode } }
  // Loaded here: a trial needs no certificates, and they take their time.
  const { openCluster } = await import('./open-cluster.ts')
  const cluster = await openCluster(components, init)
  return { api: cluster.api, cluster }
}
