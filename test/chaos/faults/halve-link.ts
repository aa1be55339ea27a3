import { LINK_BITS_PER_SECOND } from '../cluster/machines.ts'
import type { FaultAction } from './fault-action.ts'

/** Halves the rate of a link, in both directions. */
export const halveLink: FaultAction = async ({ machines }, { target }) => {
  const { node } = machines.named(target)
  await machines.network.setRate(node, LINK_BITS_PER_SECOND / 2)
  return () => machines.network.setRate(node, LINK_BITS_PER_SECOND)
}
