import { defineMetrics, type MetricsOf } from '../metrics.ts'
import type { StoreSpace } from './block-store.ts'

/** How full a store is, on each look at the metrics. */
export const STORE_METRICS = defineMetrics({
  storedTasks: {
    type: 'gauge',
    name: 'damselfly_store_stored_tasks',
    help: 'Tasks of which something is stored.',
    labels: [],
  },
  storedBytes: {
    type: 'gauge',
    name: 'damselfly_store_stored_bytes',
    help: 'Bytes of stored blocks.',
    labels: [],
  },
  claimedBytes: {
    type: 'gauge',
    name: 'damselfly_store_claimed_bytes',
    help: 'Bytes of stored blocks, and of those for which room is promised.',
    labels: [],
  },
  pinnedBytes: {
    type: 'gauge',
    name: 'damselfly_store_pinned_bytes',
    help: 'Bytes of stored blocks that stay when room is needed.',
    labels: [],
  },
  capacityBytes: {
    type: 'gauge',
    name: 'damselfly_store_capacity_bytes',
    help: 'Bytes that the store may hold, as its quota says and the disk is now.',
    labels: [],
  },
})

/** Tells the metrics how full a store is. */
export function countStore(metrics: MetricsOf<typeof STORE_METRICS>, space: StoreSpace): void {
  metrics.storedTasks.set(space.tasks)
  metrics.storedBytes.set(space.storedBytes)
  metrics.claimedBytes.set(space.claimedBytes)
  metrics.pinnedBytes.set(space.pinnedBytes)
  metrics.capacityBytes.set(space.capacityBytes ?? Number.POSITIVE_INFINITY)
}
