import type { CredentialStore } from '../../lib/origin/credentials/credential-store.ts'
import type { RegistryCredentials } from '../../lib/origin/credentials/registry-credentials.ts'
import { isAnonymous } from '../../lib/origin/request-headers.ts'
import type { UpstreamTarget } from './upstream.ts'

/** With what authority a request goes upstream: the caller's own, else this daemon's account at that registry, else none. */
export interface Requester {
  /** The caller's `Authorization`, for its own registry only. */
  readonly headers: Readonly<Record<string, string>>
  /** This daemon's account; only where the caller shows nothing. */
  readonly credentials?: RegistryCredentials
}

/** Who asks the registry. Mirrors get wrong credentials or none (contracts §0 rule 10), hence the daemon's own account. */
export async function requesterOf(
  authorization: string | undefined,
  target: UpstreamTarget,
  store: CredentialStore,
  options: { signal: AbortSignal },
): Promise<Requester> {
  if (authorization !== undefined && !isAnonymous(authorization)) return { headers: { authorization } }
  const credentials = await store.forRegistry(target.registry, options)
  return credentials === undefined ? { headers: {} } : { headers: {}, credentials }
}
