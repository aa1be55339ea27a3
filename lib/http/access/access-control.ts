import type { FastifyInstance, FastifyRequest } from 'fastify'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { Role } from '../../../protocol/roles.ts'
import { refuseForeignPage } from './foreign-page.ts'
import type { Identity } from './identity.ts'
import type { IdentitySource } from './identity-source.ts'
import { mayUse, type PublicRoutes, type RouteAccess, requireAccess } from './route-access.ts'

/** How an API knows who asks, and what it lets everybody have. */
export interface AccessControl {
  /** All of them are asked about each request. The first that lets a request through counts, or else the first that knows it. */
  readonly sources: readonly IdentitySource[]
  readonly publicRoutes: PublicRoutes
  /** What makes tokens for the API, `supernode token create`; for people who have none. */
  readonly tokenCommand: string
  /** Whether requests of web pages of other sites are refused: where something is given to whoever reaches the API. */
  readonly refusesPages?: boolean
}

/**
 * Lets requests through to the routes that are added from now on only if their sender may use them, and says at each request who that
 * is (`request.identity`). Nothing of a body is read before. A request without a proof gets UNAUTHORIZED, one of somebody without the
 * role DENIED; a proof that is not valid counts as none, whatever is wrong with it.
 * @param ownHost host of the address that the server was told to listen at
 */
export function addAccessControl(
  app: FastifyInstance,
  { sources, publicRoutes, tokenCommand, refusesPages = false }: AccessControl,
  ownHost: string,
): void {
  app.decorateRequest('identity')
  app.addHook('onRoute', route => requireAccess(route, publicRoutes))
  app.addHook('onRequest', async (request, reply) => {
    // Nothing is at unknown paths; a route cannot be without it.
    const { access = 'public' } = request.is404 ? {} : request.routeOptions.config
    request.identity = anonymous(request)
    if (refusesPages) refuseForeignPage(request, ownHost)
    request.identity = identify(sources, request, access)
    if (mayUse(request.identity, access)) return
    if (request.identity.kind !== 'anonymous') throw denied(request.identity, access)
    reply.header('www-authenticate', 'Bearer')
    throw unauthorized(access, tokenCommand)
  })
}

function identify(sources: readonly IdentitySource[], request: FastifyRequest, access: RouteAccess): Identity {
  const known = sources.map(source => source.identify(request)).filter(identity => identity !== undefined)
  return known.find(identity => mayUse(identity, access)) ?? known[0] ?? anonymous(request)
}

function anonymous({ ip }: FastifyRequest): Identity {
  return { kind: 'anonymous', id: ip ?? '', roles: new Set() }
}

function unauthorized(access: RouteAccess, tokenCommand: string): DamselflyError {
  const role = access.includes('viewer') ? 'viewer' : 'operator'
  const how = `send "Authorization: Bearer TOKEN" with a token that "${tokenCommand} --role ${role}" makes on this program's machine`
  return new DamselflyError('UNAUTHORIZED', `this is for ${whoMay(access)}; ${how}`)
}

function denied({ roles }: Identity, access: RouteAccess): DamselflyError {
  const who = [...roles].map(role => NAMES[role]).join(' and ')
  return new DamselflyError('DENIED', `this is for ${whoMay(access)}, not for ${who}`)
}

const NAMES: Readonly<Record<Role, string>> = {
  node: 'nodes of the cluster',
  local: 'programs of its machine',
  viewer: 'viewers',
  operator: 'operators',
}

/** `viewers, nodes of the cluster and operators`. */
function whoMay(access: RouteAccess): string {
  const roles: readonly Role[] = access === 'public' ? [] : access
  const names = [...new Set<Role>([...roles, 'operator'])].map(role => NAMES[role])
  return names.length === 1 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
