import { Buffer } from 'node:buffer'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import type { ApiEndpoint } from '../../lib/http/client/api-endpoint.ts'
import { peerCertificate } from '../../lib/tls/cluster-certificates.ts'
import { keysOfSeed } from '../../protocol/ed25519-seed.ts'

/** Connections that one identity may have open. */
const PER_IDENTITY = 4

/** A member of the cluster that registers. */
export interface MemberIdentity {
  readonly peerId: string
  /** Of its key, base64. */
  readonly seed: string
}

/** Makes the connections of a member, which are kept and show its certificate. Whose the supernode's is does not matter here. */
export async function openConnections({ seed }: Pick<MemberIdentity, 'seed'>): Promise<Dispatcher> {
  const { certificate, key } = await peerCertificate(keysOfSeed(Buffer.from(seed, 'base64')))
  const connect = buildConnector({ cert: certificate, key, rejectUnauthorized: false, maxCachedSessions: 0 })
  return new Agent({ connect, connections: PER_IDENTITY, keepAliveTimeout: 60_000 })
}

/** The supernode's API for a member. */
export async function memberEndpoint(url: string, member: Pick<MemberIdentity, 'seed'>): Promise<ApiEndpoint> {
  return { url, headers: {}, dispatcher: await openConnections(member) }
}
