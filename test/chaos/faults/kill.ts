import type { FaultAction } from './fault-action.ts'

/** Ends a program at once, and starts it again on what is left. */
export const kill: FaultAction = async (cluster, { target }) => {
  const unit = cluster.unit(target)
  await unit.kill()
  return () => unit.start()
}
