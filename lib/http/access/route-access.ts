import type { RouteOptions } from 'fastify'
import type { Role } from '../../../protocol/roles.ts'
import type { Identity } from './identity.ts'

/** Who may use a route: everybody, or whoever has one of the roles. An operator may use any. */
export type RouteAccess = 'public' | readonly Role[]

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route has to say it. */
    readonly access?: RouteAccess
  }

  interface FastifyRequest {
    /** Who sent the request. Known before a route's own hooks run. */
    identity: Identity
  }
}

/** Routes that everybody may use, as `GET /version`; `*` in place of a method for all of them. */
export type PublicRoutes = readonly string[]

/** Whether somebody may use a route. */
export function mayUse({ roles }: Identity, access: RouteAccess): boolean {
  return access === 'public' || roles.has('operator') || access.some(role => roles.has(role))
}

/**
 * Checks that a route says who may use it, and that it is public only if it is on the list of those.
 * @throws Error otherwise, which is a mistake in the program
 */
export function requireAccess(route: RouteOptions, publicRoutes: PublicRoutes): void {
  const name = routeName(route)
  const access = route.config?.access
  if (access === undefined) throw new Error(`${name} does not say who may use it (config.access)`)
  if (access === 'public' && !publicRoutes.includes(name))
    throw new Error(`${name} is not on the list of public routes`)
}

/** `GET /version`, for its HEAD too; `* /v2/*` for a route of all methods. */
function routeName({ method, url }: RouteOptions): string {
  if (typeof method !== 'string') return `* ${url}`
  return `${method === 'HEAD' ? 'GET' : method} ${url}`
}
