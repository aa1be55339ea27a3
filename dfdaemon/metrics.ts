import { defineMetrics } from '../lib/metrics.ts'

/** What a dfdaemon counts beside what its peer counts. */
export const DFDAEMON_METRICS = defineMetrics({
  blobBytes: {
    type: 'counter',
    name: 'damselfly_dfdaemon_blob_bytes_total',
    help: 'Blob bytes sent to container runtimes.',
    labels: [],
  },
  requests: {
    type: 'counter',
    name: 'damselfly_dfdaemon_registry_requests_total',
    help: 'Registry requests, by kind: blob, manifest, tags, referrers.',
    labels: ['kind'],
  },
  failures: {
    type: 'counter',
    name: 'damselfly_dfdaemon_registry_failures_total',
    help: 'Registry requests that failed before their first byte, by error code.',
    labels: ['code'],
  },
})
