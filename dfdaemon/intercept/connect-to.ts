import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'
import { createGuardedConnector, type Resolve } from '../../lib/origin/outbound/guarded-connector.ts'
import { OutboundRefusal } from '../../lib/origin/outbound/outbound-refusal.ts'
import { decidePlace, type OutboundPolicy } from '../../lib/origin/outbound/policy.ts'
import type { Authority } from './authority.ts'

const CONNECT_TIMEOUT_MS = 5_000

/**
 * Connections to servers for tunnels, whose two directions end separately. They fail with an {@link OutboundRefusal} for hosts and
 * networks that the policy does not allow; the port is for the proxy to allow.
 * @param signal ends every connection that was made, also one that is still being made
 */
export function createConnectTo(
  outbound: OutboundPolicy,
  { signal, resolve: resolveName }: { readonly signal: AbortSignal; readonly resolve?: Resolve },
): (target: Authority) => Promise<Socket> {
  // Each connection listens to it for as long as it lasts.
  setMaxListeners(0, signal)
  const options = { timeout: CONNECT_TIMEOUT_MS, allowHalfOpen: true, signal }
  const connect = createGuardedConnector(outbound, options, resolveName)
  return ({ host, port }) =>
    new Promise((resolve, reject) => {
      const decision = decidePlace(outbound, { host, port })
      if (!decision.allowed) return reject(new OutboundRefusal(decision.reason))
      connect({ hostname: host, protocol: 'http:', port: String(port) }, (error, socket) => {
        if (error === null) resolve(socket)
        else reject(error)
      })
    })
}
