import type { PublicRoutes } from '../../lib/http/access/route-access.ts'

/** What a supernode answers to everybody. A new one is a decision about what strangers may learn or do. */
export const PUBLIC_ROUTES: PublicRoutes = [
  'GET /_ping',
  'GET /version',
  'GET /openapi.json',
  // The same as /_ping, for Harbor's drivers of Dragonfly and Kraken.
  'GET /healthy',
  'GET /health',
  // A token, and the key of a member, are proofs of their own kind.
  'POST /api/v1/members',
  'POST /api/v1/members/renew',
]
