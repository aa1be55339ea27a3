import type { ApiDescription } from '../../lib/http/openapi.ts'

/** What the dfdaemon's local API says of itself. */
export const DFDAEMON_API: ApiDescription = {
  title: 'dfdaemon',
  description:
    'The local API of a node. Beside it, the registry mirror answers under /v2 as the OCI distribution spec says.',
}
