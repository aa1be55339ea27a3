import { setTimeout as wait } from 'node:timers/promises'
import { ApiBusy } from '../../../lib/http/client/api-client.ts'
import { loadOrCreateSeed } from '../../../lib/p2p/identity.ts'
import { peerCertificate } from '../../../lib/tls/cluster-certificates.ts'
import { createClusterDispatcher } from '../../../lib/tls/cluster-dispatcher.ts'
import { keysOfSeed } from '../../../protocol/ed25519-seed.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { parseToken } from '../../../protocol/token.ts'
import { createMemberClient } from '../../../supernode/client/member-client.ts'
import { type JoinedCluster, writeClusterFile } from './cluster-file.ts'

/** How a node joins. */
export interface JoinInit {
  /** `https://host:port` of the supernode. */
  readonly supernode: string
  readonly token: string
  /** For the node's key and what it has joined. */
  readonly dataDir: string
  /** What the node is called in lists. */
  readonly name: string
  /** Whether it will not come back. */
  readonly temporary: boolean
}

/**
 * Makes this node a member of a cluster: its supernode is whoever holds the key that the token carries. What it has joined is written
 * to the data directory.
 * @throws DamselflyError TOKEN_INVALID, REQUEST_INVALID for a URL that is not https, SUPERNODE_UNREACHABLE, and what the supernode
 * refuses with
 */
export async function joinCluster(init: JoinInit, { signal }: { signal: AbortSignal }): Promise<JoinedCluster> {
  const { supernode, token, dataDir, name, temporary } = init
  const clusterKey = parseToken(token)?.clusterKey
  if (clusterKey === undefined) {
    throw new DamselflyError(
      'TOKEN_INVALID',
      'it is not one for joining: dmsl_ and three parts, as "supernode token create" prints it',
    )
  }
  if (!supernode.startsWith('https://')) {
    throw new DamselflyError(
      'REQUEST_INVALID',
      `${supernode} is not an https:// URL; a supernode that is not on trial has one`,
    )
  }
  const keys = keysOfSeed(await loadOrCreateSeed(dataDir, 'peer'))
  const dispatcher = createClusterDispatcher({ clusterKey, certificate: await peerCertificate(keys) })
  try {
    const client = createMemberClient({ url: supernode, headers: {}, dispatcher })
    const request = { token, name, ...(temporary && { temporary }) }
    const grant = await patiently(() => client.join(request, { signal }), signal)
    if (grant.clusterKey !== clusterKey) {
      throw new DamselflyError('TOKEN_INVALID', `it is not of the cluster of ${supernode}`)
    }
    const { peerId, credential, expiresAt } = grant
    const joined: JoinedCluster = { supernode, clusterKey, peerId, credential, expiresAt }
    await writeClusterFile(dataDir, joined)
    return joined
  } finally {
    await dispatcher.destroy()
  }
}

/** Many nodes may join at once, and then the supernode asks some to come again. */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ApiBusy)) throw error
      await wait(error.waitMs, undefined, { signal })
    }
  }
}
