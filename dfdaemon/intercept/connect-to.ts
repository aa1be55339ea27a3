import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'
import { createGuardedConnector } from '../../lib/origin/blocked-networks.ts'
import type { Authority } from './authority.ts'

const CONNECT_TIMEOUT_MS = 5_000

/**
 * Connections to servers for tunnels, whose two directions end separately.
 * @param blockedNetworks in CIDR form, looked at after name resolution
 * @param signal ends every connection that was made, also one that is still being made
 */
export function createConnectTo(
  blockedNetworks: readonly string[],
  signal: AbortSignal,
): (target: Authority) => Promise<Socket> {
  // Each connection listens to it for as long as it lasts.
  setMaxListeners(0, signal)
  const connect = createGuardedConnector(blockedNetworks, { timeout: CONNECT_TIMEOUT_MS, allowHalfOpen: true, signal })
  return ({ host, port }) =>
    new Promise((resolve, reject) => {
      connect({ hostname: host, protocol: 'http:', port: String(port) }, (error, socket) => {
        if (error === null) resolve(socket)
        else reject(error)
      })
    })
}
