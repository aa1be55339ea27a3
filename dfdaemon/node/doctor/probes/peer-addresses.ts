import { once } from 'node:events'
import { connect } from 'node:net'
import { bounded } from '../bounded.ts'
import type { PeerPortFacts } from '../checks/peer-port.ts'
import { connectionFailure } from '../connection-failure.ts'
import { endpointOf } from '../endpoints.ts'

/** Connects to the addresses of this node's own peer, side by side. */
export function probePeerAddresses(addresses: readonly string[]): Promise<PeerPortFacts['addresses']> {
  return Promise.all(addresses.map(async address => ({ address, failure: await failureAt(address) })))
}

async function failureAt(address: string): Promise<string | undefined> {
  const endpoint = endpointOf(address)
  if (endpoint === undefined) return 'not an address of TCP'
  const connected = await bounded(async signal => {
    const socket = connect(endpoint)
    try {
      await once(socket, 'connect', { signal })
    } finally {
      socket.destroy()
    }
  })
  return 'error' in connected ? connectionFailure(connected.error).reason : undefined
}
