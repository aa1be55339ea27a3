import { peerAddressOf } from '../cluster/programs.ts'
import type { FaultAction } from './fault-action.ts'

const CONNECT_TIMEOUT_MS = 30_000

/** Somebody who has joined nothing dials everybody. */
export const stranger: FaultAction = async ({ hub, unit, machines, peerIds }, { target }) => {
  await unit(target).start()
  await hub.untilConnected(target, { timeoutMs: CONNECT_TIMEOUT_MS })
  const peers = [...peerIds].map(([name, id]) => ({ id, addresses: [peerAddressOf(name, machines.named(name).node)] }))
  hub.send(target, { peers })
  return () => unit(target).kill()
}
