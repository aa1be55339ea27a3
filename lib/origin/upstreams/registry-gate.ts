import { DamselflyError } from '../../../protocol/errors.ts'
import type { CredentialStore } from '../credentials/credential-store.ts'
import type { Origin, Source } from '../origin.ts'
import { isAnonymous } from '../request-headers.ts'
import { isServed, registryAt } from './registry-names.ts'
import type { ServedRegistries, UpstreamConfigs } from './upstream-config.ts'

export interface RegistryGateComponents {
  readonly origin: Origin
  /** Our own accounts at registries. */
  readonly credentials: CredentialStore
}

export interface RegistryGateInit {
  readonly upstreams: UpstreamConfigs
  readonly registries: ServedRegistries
}

/**
 * An origin that reads from served registries only, and for a requester that shows nothing under our own account there.
 * Its calls throw DENIED, besides what the origin throws.
 */
export function createRegistryGate({ origin, credentials }: RegistryGateComponents, init: RegistryGateInit): Origin {
  const { upstreams, registries } = init

  async function admitted(source: Source, signal: AbortSignal | undefined): Promise<Source> {
    if (!URL.canParse(source.url)) return source
    const registry = registryAt(new URL(source.url), upstreams)
    if (!isServed(registry, registries)) throw new DamselflyError('DENIED', `${registry} is not served here`)
    if (source.credentials !== undefined || showsSomething(source.headers)) return source
    const account = await credentials.forRegistry(registry, { signal })
    return account === undefined ? source : { ...source, credentials: account }
  }

  return {
    open: async (source, options = {}) => origin.open(await admitted(source, options.signal), options),
    check: async (source, options = {}) => origin.check(await admitted(source, options.signal), options),
  }
}

function showsSomething(headers: Source['headers']): boolean {
  return Object.entries(headers).some(([name, value]) => name.toLowerCase() === 'authorization' && !isAnonymous(value))
}
