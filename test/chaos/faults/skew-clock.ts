import { setSkew } from '../cluster/fake-time.ts'
import type { FaultAction } from './fault-action.ts'

/** Sets the clock of a machine forward or back. */
export const skewClock: FaultAction = async ({ machines }, { target, skewMs = 0 }) => {
  const { skewFile } = machines.keeping(target)
  await setSkew(skewFile, skewMs)
  return () => setSkew(skewFile, 0)
}
