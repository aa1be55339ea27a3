import type { Ed25519PrivateKey } from '@libp2p/interface'
import type { Dispatcher } from 'undici'
import { joinCluster } from '../../dfget/peer/cluster/join-cluster.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/logger.ts'
import { MembershipAdmission } from '../../lib/p2p/admission/membership-admission.ts'
import type { PeerAdmission } from '../../lib/p2p/admission/peer-admission.ts'
import { loadOrCreateSeed, peerKeyFromSeed } from '../../lib/p2p/identity.ts'
import { peerCertificate } from '../../lib/tls/cluster-certificates.ts'
import { createClusterDispatcher } from '../../lib/tls/cluster-dispatcher.ts'
import { keysOfSeed } from '../../protocol/ed25519-seed.ts'

/** Who a raw peer is in a cluster that is not on trial. */
export interface RawMember {
  readonly privateKey: Ed25519PrivateKey
  readonly admission: PeerAdmission
  /** Connections to the supernode's API that prove who asks. */
  readonly dispatcher: Dispatcher
}

/** How a raw peer becomes a member. */
export interface RawMemberInit {
  readonly supernodeUrl: string
  readonly token: string
  /** For its key. */
  readonly dataDir: string
}

/** Joins a cluster by the front door, for a peer that is up to no good afterwards. @throws what `joinCluster` throws */
export async function joinAsRawMember(
  { supernodeUrl, token, dataDir }: RawMemberInit,
  { signal }: { signal: AbortSignal },
): Promise<RawMember> {
  const init = { supernode: supernodeUrl, token, dataDir, name: 'raw', temporary: true }
  const { clusterKey, peerId, credential } = await joinCluster(init, { signal })
  const seed = await loadOrCreateSeed(dataDir, 'peer')
  const components = { clock: systemClock, logger: silentLogger(), account: { refused() {} } }
  const admission = new MembershipAdmission(components, { peer: peerId, clusterKey })
  admission.renew(Buffer.from(credential, 'base64url'))
  const certificate = await peerCertificate(keysOfSeed(seed))
  return {
    privateKey: peerKeyFromSeed(seed),
    admission,
    dispatcher: createClusterDispatcher({ clusterKey, certificate }),
  }
}
