import { defineMetrics } from '../lib/metrics.ts'

/** What a supernode counts. */
export const SUPERNODE_METRICS = defineMetrics({
  originBytes: {
    type: 'counter',
    name: 'damselfly_supernode_origin_bytes_total',
    help: 'Content bytes read from origins.',
    labels: [],
  },
  uploadedBytes: {
    type: 'counter',
    name: 'damselfly_supernode_uploaded_bytes_total',
    help: 'Block bytes sent to peers.',
    labels: [],
  },
  throttled: {
    type: 'counter',
    name: 'damselfly_supernode_throttled_seconds_total',
    help: 'Time for which uploads waited for the rate limit; several wait at once.',
    labels: [],
  },
  refusedConnections: {
    type: 'counter',
    name: 'damselfly_supernode_refused_connections_total',
    help: 'Connections of peers that did not show that they are members of the cluster.',
    labels: [],
  },
  members: {
    type: 'gauge',
    name: 'damselfly_supernode_member_nodes',
    help: 'Members of the cluster.',
    labels: [],
  },
  blockedPeers: {
    type: 'gauge',
    name: 'damselfly_supernode_blocked_peers',
    help: 'Peers on the blocklist.',
    labels: [],
  },
  blockedTasks: {
    type: 'gauge',
    name: 'damselfly_supernode_blocked_tasks',
    help: 'Contents on the blocklist.',
    labels: [],
  },
  refusals: {
    type: 'counter',
    name: 'damselfly_supernode_refusals_total',
    help: 'Block requests that were refused, by reason.',
    labels: ['reason'],
  },
  registrations: {
    type: 'counter',
    name: 'damselfly_supernode_registrations_total',
    help: 'Registrations, by result: admitted, pending or an error code.',
    labels: ['result'],
  },
  grantedBlocks: {
    type: 'counter',
    name: 'damselfly_supernode_granted_blocks_total',
    help: 'Blocks granted to peers for download from the supernode.',
    labels: [],
  },
  reports: {
    type: 'counter',
    name: 'damselfly_supernode_peer_reports_total',
    help: 'Reports of peers about other peers, by kind.',
    labels: ['kind'],
  },
  invalidMessages: {
    type: 'counter',
    name: 'damselfly_supernode_invalid_messages_total',
    help: 'Messages and streams that broke the protocol, by error code.',
    labels: ['code'],
  },
  controlMessages: {
    type: 'counter',
    name: 'damselfly_supernode_control_messages_total',
    help: 'Messages on control streams, by direction: received or sent.',
    labels: ['direction'],
  },
  schedulerSeconds: {
    type: 'counter',
    name: 'damselfly_supernode_scheduler_seconds_total',
    help: 'Time spent inside the scheduler.',
    labels: [],
  },
  tasks: { type: 'gauge', name: 'damselfly_supernode_open_tasks', help: 'Tasks that are open.', labels: [] },
  peers: {
    type: 'gauge',
    name: 'damselfly_supernode_connected_peers',
    help: 'Peers with a control stream.',
    labels: [],
  },
})
