import { defineMetrics } from '../../metrics.ts'

/** What the protection of an HTTP API counts. */
export const PROTECTION_METRICS = defineMetrics({
  refusedRequests: {
    type: 'counter',
    name: 'damselfly_http_refused_requests_total',
    help: 'Requests that were refused with status 429, by the limit that they met: perIdentity, total, perAddress, anonymous, failedAttempts.',
    labels: ['limit'],
  },
  endedConnections: {
    type: 'counter',
    name: 'damselfly_http_ended_connections_total',
    help: 'Client connections that were ended before their time, by reason: unused, idle, per-address, full (refused), slow-headers, slow-body, malformed, descriptors (could not be accepted).',
    labels: ['reason'],
  },
  openConnections: {
    type: 'gauge',
    name: 'damselfly_http_open_connections',
    help: 'Client connections, by state: new (without a request so far), idle, busy.',
    labels: ['state'],
  },
})
