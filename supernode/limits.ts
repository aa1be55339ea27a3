import { type Static, Type } from 'typebox'
import type { Clock } from '../lib/clock.ts'
import type { UploadLimits } from '../lib/exchange/block-server.ts'
import { rateSetting, uploadsSetting } from '../lib/limits/limit-settings.ts'
import type { LiveLimits } from '../lib/limits/live-limits.ts'
import { createRateLimit } from '../lib/limits/rate-limit.ts'
import { createUploadSlots } from '../lib/limits/upload-slots.ts'
import type { MetricsOf } from '../lib/metrics.ts'
import type { SUPERNODE_METRICS } from './metrics.ts'

/**
 * Blocks that a supernode sends at once where nothing else is said. Few, so that each ends early and the peers pass it on; but
 * receivers share their links with their neighbours, so that each upload is slow (docs/decisions/0008).
 */
export const SUPERNODE_UPLOADS = 32

/** What a supernode may use of its uplink. */
export const SupernodeLimitsConfig = Type.Object(
  { egress: rateSetting('what is sent to peers, all together'), concurrentUploads: uploadsSetting(SUPERNODE_UPLOADS) },
  { additionalProperties: false, default: {} },
)
export type SupernodeLimitsConfig = Static<typeof SupernodeLimitsConfig>

/** The limits of a supernode; can be changed while it runs. */
export interface SupernodeLimits extends LiveLimits<SupernodeLimitsConfig> {
  readonly uploads: UploadLimits
}

export interface SupernodeLimitsComponents {
  readonly clock: Clock
  readonly metrics: Pick<MetricsOf<typeof SUPERNODE_METRICS>, 'throttled'>
}

/** Makes the limits of a supernode. */
export function createSupernodeLimits(
  { clock, metrics }: SupernodeLimitsComponents,
  init: SupernodeLimitsConfig,
): SupernodeLimits {
  const waited = (durationMs: number) => metrics.throttled.inc(durationMs / 1000)
  const rate = createRateLimit({ clock, waited }, init.egress)
  const slots = createUploadSlots(clock, init.concurrentUploads)
  return {
    uploads: { rate, slots },
    values: () => ({ egress: rate.bytesPerSecond, concurrentUploads: slots.count }),
    change({ egress, concurrentUploads }) {
      if (egress !== undefined) rate.change(egress)
      if (concurrentUploads !== undefined) slots.change(concurrentUploads)
    },
  }
}
