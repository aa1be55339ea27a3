import { placeOf } from '../../lib/origin/outbound/host-list.ts'
import type { NamedPlace } from '../../lib/origin/outbound/policy.ts'
import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { parseRegistryPath } from '../../protocol/registry-path.ts'
import { formatAuthority, parseAuthority } from './authority.ts'
import type { InterceptRule } from './config.ts'

/** What is asked for, in the spelling of the request: what is decided on is what is sent on. */
export interface ProxiedTarget {
  /** `https://host[:port]`, without a slash at the end. */
  readonly origin: string
  /** Path and query, beginning with a slash. */
  readonly path: string
}

/** What happens to a request. */
export interface Decision {
  readonly via: 'swarm' | 'direct'
  /** Where the content is; another server than the client named when a rule says so. */
  readonly target: ProxiedTarget
  /** Whether the client's credentials were meant for that server. */
  readonly withCredentials: boolean
  /** Of a registry's blob. */
  readonly digest: Digest | undefined
}

/** A rule that is ready to be applied. */
export interface CompiledRule {
  readonly expression: RegExp
  readonly action: InterceptRule['action']
  /** Server of `redirect`, with its scheme if the rule has one. */
  readonly redirect: { readonly scheme: 'http' | 'https' | undefined; readonly host: string } | undefined
  readonly forwardCredentials: boolean
}

/** @throws DamselflyError CONFIG_INVALID that names the rule */
export function compileRules(rules: readonly InterceptRule[]): CompiledRule[] {
  return rules.map((rule, index) => {
    try {
      return compileRule(rule)
    } catch (error) {
      const why = error instanceof DamselflyError ? (error.detail ?? error.message) : (error as Error).message
      throw new DamselflyError('CONFIG_INVALID', `intercept.rules.${index}: ${why}`, { cause: error })
    }
  })
}

/**
 * Decides about a request. The first rule whose expression is found in the URL counts. Where none is, and for what was
 * redirected, blobs of registries come through the swarm and everything else direct. Only `GET` ever goes through the swarm.
 */
export function decide(method: string, asked: ProxiedTarget, rules: readonly CompiledRule[]): Decision {
  const rule = rules.find(({ expression }) => expression.test(`${asked.origin}${asked.path}`))
  const target = rule?.redirect === undefined ? asked : { ...asked, origin: redirectedOrigin(asked, rule.redirect) }
  const digest = blobDigest(target.path)
  const bySwarm = rule === undefined || rule.action === 'redirect' ? digest !== undefined : rule.action === 'p2p'
  return {
    via: bySwarm && method === 'GET' ? 'swarm' : 'direct',
    target,
    withCredentials: target.origin === asked.origin || rule?.forwardCredentials === true,
    digest,
  }
}

/** The servers that rules name as those to ask instead. */
export function redirectPlaces(rules: readonly CompiledRule[]): NamedPlace[] {
  return rules.flatMap(({ redirect }) => {
    if (redirect === undefined) return []
    const schemes = redirect.scheme === undefined ? (['http', 'https'] as const) : [redirect.scheme]
    return schemes.map(scheme => ({ ...placeOf(new URL(`${scheme}://${redirect.host}`)), scheme }))
  })
}

function compileRule({ regex, action, redirect, forwardCredentials = false }: InterceptRule): CompiledRule {
  if ((action === 'redirect') !== (redirect !== undefined)) {
    throw new DamselflyError(
      'CONFIG_INVALID',
      '"redirect" names the other server when the action is redirect, only then',
    )
  }
  const expression = new RegExp(regex)
  if (redirect === undefined) return { expression, action, redirect: undefined, forwardCredentials }
  const [, scheme, host = ''] = /^(?:(https?):\/\/)?(.*)$/.exec(redirect) ?? []
  const authority = parseAuthority(host, 0)
  return {
    expression,
    action,
    redirect: { scheme: scheme as 'http' | 'https' | undefined, host: formatAuthority(authority, 0) },
    forwardCredentials,
  }
}

function redirectedOrigin({ origin }: ProxiedTarget, { scheme, host }: NonNullable<CompiledRule['redirect']>): string {
  const kept = origin.slice(0, origin.indexOf(':'))
  const from = new URL(`${scheme ?? kept}://${host}`)
  return from.origin
}

function blobDigest(path: string): Digest | undefined {
  try {
    const parsed = parseRegistryPath(decodeURIComponent(path.split('?', 1)[0] ?? ''))
    return parsed.kind === 'blob' ? parsed.digest : undefined
  } catch {
    return undefined
  }
}
