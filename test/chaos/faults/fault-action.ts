import type { ChaosCluster } from '../cluster/chaos-cluster.ts'
import type { PlannedFault } from '../plan/fault.ts'

/**
 * Does a fault to the cluster.
 * @returns heals it; when that is done, all is as it was before
 */
export type FaultAction = (cluster: ChaosCluster, fault: PlannedFault) => Promise<() => Promise<void>>
