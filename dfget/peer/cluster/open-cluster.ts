import type { ClusterClock } from '../../../lib/cluster-clock.ts'
import type { ApiEndpoint } from '../../../lib/http/client/api-endpoint.ts'
import type { Startable } from '../../../lib/lifecycle.ts'
import type { Logger } from '../../../lib/logger.ts'
import { MembershipAdmission } from '../../../lib/p2p/admission/membership-admission.ts'
import { peerCertificate } from '../../../lib/tls/cluster-certificates.ts'
import { createClusterDispatcher } from '../../../lib/tls/cluster-dispatcher.ts'
import { keysOfSeed } from '../../../protocol/ed25519-seed.ts'
import { createMemberClient } from '../../../supernode/client/member-client.ts'
import { type JoinedCluster, writeClusterFile } from './cluster-file.ts'
import { ClusterMembership } from './cluster-membership.ts'

/** A cluster as one of its nodes uses it. */
export interface OpenCluster extends Startable {
  /** The supernode's API, with the node's own certificate. */
  readonly api: ApiEndpoint
  /** What the node shows to others and takes from them. */
  readonly admission: MembershipAdmission
}

export interface OpenClusterComponents {
  readonly clock: ClusterClock
  readonly logger: Logger
  readonly account: { refused(): void }
}

/** What a node is by its data directory. */
export interface OpenClusterInit {
  readonly dataDir: string
  /** Of the node's own key. */
  readonly seed: Uint8Array
  readonly joined: JoinedCluster
}

/** Opens a cluster that this node has joined. Its start keeps the credential fresh. @throws DamselflyError TOKEN_INVALID, NOT_A_MEMBER */
export async function openCluster(
  { clock, logger, account }: OpenClusterComponents,
  { dataDir, seed, joined }: OpenClusterInit,
): Promise<OpenCluster> {
  const { supernode, clusterKey, peerId } = joined
  const certificate = await peerCertificate(keysOfSeed(seed))
  const dispatcher = createClusterDispatcher({ clusterKey, certificate })
  const admission = new MembershipAdmission({ clock, logger, account }, { peer: peerId, clusterKey })
  const api = { url: supernode, headers: {}, dispatcher }
  const membership = new ClusterMembership({
    client: createMemberClient(api),
    async renewed({ credential, expiresAt }) {
      admission.renew(Buffer.from(credential, 'base64url'))
      await writeClusterFile(dataDir, { ...joined, credential, expiresAt })
    },
    clock,
    logger,
  })
  try {
    admission.renew(Buffer.from(joined.credential, 'base64url'))
  } catch (error) {
    logger.debug({ error }, 'the stored credential is over; the supernode is asked for another')
  }
  return {
    api,
    admission,
    start: () => membership.start(),
    async stop() {
      await membership.stop()
      await dispatcher.destroy()
    },
  }
}
