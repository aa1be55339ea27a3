import type { AccessControl } from '../../lib/http/access/access-control.ts'
import type { IdentitySource } from '../../lib/http/access/identity-source.ts'
import { trialSource } from '../../lib/http/access/trial-source.ts'
import type { Role } from '../../protocol/roles.ts'

/** Whoever says in a header which role he has, has it. */
export const claimedRole: IdentitySource = {
  identify({ headers }) {
    const role = headers['x-role'] as Role | undefined
    return role === undefined ? undefined : { kind: 'token', id: `claims-${role}`, roles: new Set([role]) }
  },
}

/** The access control of an API under test; everybody may all by default. */
export function testAccess(sources: readonly IdentitySource[] = [trialSource]): AccessControl {
  return { sources, publicRoutes: ['GET /openapi.json', 'GET /public'], tokenCommand: 'program token create' }
}
