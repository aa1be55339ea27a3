import { type Digest, isDigest } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { Clock } from '../../clock.ts'
import { createLifecycle, type Startable } from '../../lifecycle.ts'
import type { Logger } from '../../logger.ts'
import { createCredentialStore } from '../credentials/create-credential-store.ts'
import type { CredentialStore } from '../credentials/credential-store.ts'
import { Mirror } from './mirror.ts'
import { mirrorBaseUrl } from './mirror-url.ts'
import { baseUrlOf } from './registry-names.ts'
import { SetAside } from './set-aside.ts'
import type { UpstreamConfigs } from './upstream-config.ts'

/** A URL of a registry that has mirrors. */
export interface MirroredUrl {
  /** What lies behind `/v2` in it, with its query. */
  readonly rest: string
  readonly kind: 'blob' | 'manifest' | 'other'
  /** The content that it names; undefined for a tag, a list and the like. */
  readonly digest: Digest | undefined
  /** In the order in which they are asked. */
  readonly mirrors: readonly Mirror[]
}

/** The mirrors of all upstreams. */
export interface Mirrors extends Startable {
  /** Undefined for a URL outside of the registries that have mirrors. */
  at(url: string): MirroredUrl | undefined
}

export interface MirrorsComponents {
  readonly clock: Clock
  readonly logger: Logger
  /** Our own accounts, for mirrors that are configured without one. */
  readonly credentials: CredentialStore
}

/** A mirror that cannot be reached is left alone for this long. */
const UNREACHABLE_PAUSE = { firstMs: 1_000, lastMs: 60_000 }
/** A mirror that has wrong bytes for a digest is not asked for it again for this long. */
const CORRUPT_PAUSE = { firstMs: 600_000, lastMs: 600_000 }

/** @throws DamselflyError CONFIG_INVALID, from `start()` too, for secrets that cannot be read */
export function createMirrors(components: MirrorsComponents, upstreams: UpstreamConfigs): Mirrors {
  const { clock, logger } = components
  const unreachable = new SetAside(clock, UNREACHABLE_PAUSE)
  const corrupt = new SetAside(clock, CORRUPT_PAUSE)
  const byBaseUrl = new Map<string, readonly Mirror[]>()
  const stores: Startable[] = []

  for (const [registry, { mirrors = [] }] of Object.entries(upstreams)) {
    if (mirrors.length === 0) continue
    const baseUrl = new URL(`${baseUrlOf(registry, upstreams)}/v2`).href
    if (byBaseUrl.has(baseUrl)) throw invalid(registry, 'has mirrors, but the same url as an upstream with mirrors')
    const made = mirrors.map(({ url, ns = true, account }, index) => {
      const mirrorUrl = mirrorBaseUrl(url, `upstreams.${registry}.mirrors.${index}.url`)
      if (mirrorUrl === baseUrl) throw invalid(registry, `is its own mirror: mirrors.${index}`)
      let credentials = components.credentials
      if (account !== undefined) {
        const own = createCredentialStore(components, { accounts: { [new URL(mirrorUrl).origin]: account } })
        stores.push(own)
        credentials = own
      }
      const init = { baseUrl: mirrorUrl, namespace: ns ? registry : undefined }
      return new Mirror({ clock, logger, credentials, unreachable, corrupt }, init)
    })
    if (new Set(made.map(mirror => mirror.baseUrl)).size < made.length) throw invalid(registry, 'has a mirror twice')
    byBaseUrl.set(baseUrl, made)
  }

  return {
    ...createLifecycle(stores),
    at(text) {
      if (byBaseUrl.size === 0 || !URL.canParse(text)) return undefined
      const { origin, pathname, search } = new URL(text)
      const mirrors = byBaseUrl.get(`${origin}/v2`)
      if (mirrors === undefined || !pathname.startsWith('/v2/')) return undefined
      return { rest: `${pathname.slice('/v2'.length)}${search}`, ...contentAt(pathname), mirrors }
    },
  }
}

function contentAt(pathname: string): Pick<MirroredUrl, 'kind' | 'digest'> {
  const [, kind, reference = ''] = /\/(blob|manifest)s\/([^/]+)$/.exec(pathname) ?? []
  const name = reference.replace(/%3a/i, ':')
  const digest = isDigest(name) ? name : undefined
  return { kind: kind === 'blob' || kind === 'manifest' ? kind : 'other', digest }
}

function invalid(registry: string, problem: string): DamselflyError {
  return new DamselflyError('CONFIG_INVALID', `upstreams.${registry} ${problem}`)
}
