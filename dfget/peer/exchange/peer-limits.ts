import type { Clock } from '../../../lib/clock.ts'
import type { UploadLimits } from '../../../lib/exchange/block-server.ts'
import type { LiveLimits } from '../../../lib/limits/live-limits.ts'
import { createRateLimit } from '../../../lib/limits/rate-limit.ts'
import { createUploadSlots } from '../../../lib/limits/upload-slots.ts'
import type { MetricsOf } from '../../../lib/metrics.ts'
import type { PEER_METRICS } from '../metrics.ts'
import { DownloadLimits } from './download-limits.ts'
import type { PeerLimitsConfig } from './limits-config.ts'

/** What a peer may use of its node's links; can be changed while it runs. */
export interface PeerLimits extends LiveLimits<PeerLimitsConfig> {
  readonly uploads: UploadLimits
  readonly downloads: DownloadLimits
}

export interface PeerLimitsComponents {
  readonly clock: Clock
  readonly metrics: Pick<MetricsOf<typeof PEER_METRICS>, 'throttled'>
}

/** Makes the limits of a peer. */
export function createPeerLimits({ clock, metrics }: PeerLimitsComponents, init: PeerLimitsConfig): PeerLimits {
  const rateComponents = (direction: 'upload' | 'download') => ({
    clock,
    waited: (durationMs: number) => metrics.throttled.inc({ direction }, durationMs / 1000),
  })
  const rate = createRateLimit(rateComponents('upload'), init.upload)
  const slots = createUploadSlots(clock, init.concurrentUploads)
  const downloads = new DownloadLimits(rateComponents('download'), init)

  return {
    uploads: { rate, slots },
    downloads,
    values: () => ({
      upload: rate.bytesPerSecond,
      download: downloads.all.bytesPerSecond,
      perTask: downloads.perTask,
      background: downloads.background.bytesPerSecond,
      concurrentUploads: slots.count,
    }),
    change(values) {
      const { upload, download, perTask, background, concurrentUploads } = values
      if (upload !== undefined) rate.change(upload)
      if (download !== undefined) downloads.all.change(download)
      if (perTask !== undefined) downloads.perTask = perTask
      if (background !== undefined) downloads.background.change(background)
      if (concurrentUploads !== undefined) slots.change(concurrentUploads)
    },
  }
}
