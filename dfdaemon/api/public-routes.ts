import type { PublicRoutes } from '../../lib/http/access/route-access.ts'

/** What a dfdaemon answers to everybody. Under `/v2` the registry says who may read what. */
export const PUBLIC_ROUTES: PublicRoutes = [
  'GET /_ping',
  'GET /version',
  'GET /openapi.json',
  '* /v2',
  '* /v2/',
  '* /:registry/v2',
  '* /:registry/v2/',
  '* /v2/*',
  '* /:registry/v2/*',
]
