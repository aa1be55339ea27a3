import { defineMetrics } from '../../lib/metrics.ts'

/** What a peer counts. */
export const PEER_METRICS = defineMetrics({
  originBytes: {
    type: 'counter',
    name: 'damselfly_peer_origin_bytes_total',
    help: 'Content bytes that this peer read from origins itself.',
    labels: [],
  },
  uploadedBytes: {
    type: 'counter',
    name: 'damselfly_peer_uploaded_bytes_total',
    help: 'Block bytes sent to other peers.',
    labels: [],
  },
  refusedConnections: {
    type: 'counter',
    name: 'damselfly_peer_refused_connections_total',
    help: 'Connections of peers that did not show that they are members of the cluster.',
    labels: [],
  },
  refusals: {
    type: 'counter',
    name: 'damselfly_peer_refusals_total',
    help: 'Block requests of other peers that were refused, by reason.',
    labels: ['reason'],
  },
  invalidMessages: {
    type: 'counter',
    name: 'damselfly_peer_invalid_messages_total',
    help: 'Messages and streams of other peers that broke the protocol, by error code.',
    labels: ['code'],
  },
  throttled: {
    type: 'counter',
    name: 'damselfly_peer_throttled_seconds_total',
    help: 'Time for which transfers waited for the rate limits of this node, by direction (upload, download); several wait at once.',
    labels: ['direction'],
  },
  downloads: {
    type: 'gauge',
    name: 'damselfly_peer_running_tasks',
    help: 'Tasks that are being downloaded.',
    labels: [],
  },
})
