import { defineMetrics } from '../../lib/metrics.ts'

/** What the proxy counts. */
export const INTERCEPT_METRICS = defineMetrics({
  proxyConnections: {
    type: 'counter',
    name: 'damselfly_dfdaemon_proxy_connects_total',
    help: 'CONNECT requests, by outcome: intercepted, tunnelled, refused, unreachable, untrusted (the client did not accept our certificate).',
    labels: ['outcome'],
  },
  proxyRequests: {
    type: 'counter',
    name: 'damselfly_dfdaemon_proxy_requests_total',
    help: 'Requests inside intercepted connections and to plain http servers, by outcome: swarm, direct, refused, failed.',
    labels: ['outcome'],
  },
})
