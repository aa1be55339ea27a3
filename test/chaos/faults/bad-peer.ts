import type { FaultAction } from './fault-action.ts'

const CONNECT_TIMEOUT_MS = 30_000

/** A bad peer joins the swarms, and goes again. */
export const badPeer: FaultAction = async ({ hub, unit }, { target }) => {
  await unit(target).start()
  await hub.untilConnected(target, { timeoutMs: CONNECT_TIMEOUT_MS })
  return () => unit(target).kill()
}
