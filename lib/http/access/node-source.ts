import { peerOfSocket } from '../../tls/peer-of-socket.ts'
import type { IdentitySource } from './identity-source.ts'

const ROLES = new Set(['node'] as const)

/**
 * A member of the cluster is known by the key of its TLS client certificate.
 * @param isMember whether a PeerId is one, asked at each request
 */
export function nodeSource(isMember: (peer: string) => boolean): IdentitySource {
  return {
    identify({ socket }) {
      const peer = peerOfSocket(socket)
      return peer !== undefined && isMember(peer) ? { kind: 'node', id: peer, roles: ROLES } : undefined
    },
  }
}
