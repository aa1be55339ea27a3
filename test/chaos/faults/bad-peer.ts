import type { FaultAction } from './fault-action.ts'

/** The supernode, at which it joins, may be away for as long as a fault lasts, and somewhat longer on a busy machine. */
const CONNECT_TIMEOUT_MS = 90_000

/** A bad peer joins the swarms, and goes again. */
export const badPeer: FaultAction = async ({ hub, unit }, { target }) => {
  await unit(target).start()
  await hub.untilConnected(target, { timeoutMs: CONNECT_TIMEOUT_MS })
  return () => unit(target).kill()
}
