import type { FaultAction } from './fault-action.ts'

/** Takes the processor from a program: its connections stay, and it does not answer. */
export const freeze: FaultAction = async (cluster, { target }) => {
  const unit = cluster.unit(target)
  unit.signal('SIGSTOP')
  return async () => unit.signal('SIGCONT')
}
