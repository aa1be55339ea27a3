import { readDescriptorLimit, shareDescriptors } from '../../descriptor-limit.ts'
import {
  createHttpProtection,
  type HttpProtection,
  type HttpProtectionComponents,
  type HttpProtectionInit,
} from './http-protection.ts'

/** Connections to other peers that a program holds, where there are descriptors for them. */
const MAX_PEER_CONNECTIONS = 4_096

/** What a program lets in. */
export interface ProgramProtection {
  readonly protection: HttpProtection
  /** Connections of its libp2p node. */
  readonly maxPeerConnections: number
}

/**
 * The protection of a program's APIs, with as many connections as the system has descriptors for: where these are too few, it is said
 * now, and connections are refused later instead of files.
 */
export function createProgramProtection(
  components: HttpProtectionComponents,
  { requests, connections }: HttpProtectionInit,
  descriptors: number | undefined = readDescriptorLimit(),
): ProgramProtection {
  const wished = { http: connections.max, p2p: MAX_PEER_CONNECTIONS }
  const given = shareDescriptors(descriptors, wished)
  if (given.http < wished.http || given.p2p < wished.p2p) {
    components.logger.warn(
      { openFiles: descriptors, clients: given.http, peers: given.p2p },
      'few open files are allowed, so there will be fewer connections; raise ulimit -n or LimitNOFILE=',
    )
  }
  const protection = createHttpProtection(components, { requests, connections: { ...connections, max: given.http } })
  return { protection, maxPeerConnections: given.p2p }
}
