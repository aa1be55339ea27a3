import type { FaultAction } from './fault-action.ts'

/** Makes what the target and some others send to each other vanish. */
export const cutLinks: FaultAction = async ({ machines }, { target, from = [] }) => {
  const { network } = machines
  const { node } = machines.named(target)
  const others = from.map(name => machines.named(name).node)
  for (const other of others) await network.cut(node, other)
  return async () => {
    for (const other of others) await network.mend(node, other)
  }
}
