import type { PublicRoutes } from '../../lib/http/access/route-access.ts'

/** What a supernode answers to everybody. A new one is a decision about what strangers may learn or do. */
export const PUBLIC_ROUTES: PublicRoutes = ['GET /_ping', 'GET /version', 'GET /openapi.json']
