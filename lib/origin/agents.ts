import { createSecureContext, getCACertificates } from 'node:tls'
import { LRUCache } from 'lru-cache'
import type { buildConnector, Dispatcher } from 'undici'
import type { TlsSettings } from './tls-settings.ts'

/** Connection pools, one for each distinct TLS setting. */
export interface Agents {
  /** The pool for a host with these settings; the one for all other hosts without. */
  of(tls: TlsSettings | undefined): Dispatcher
  /** Closes every connection; what is under way fails. */
  stop(): Promise<void>
}

/** Distinct settings whose connections are kept; the connections of one more than that end when they are idle. */
const DISTINCT_MAX = 64

/**
 * @param create makes a pool that connects with these options
 * @param caCertificates PEM certificates that every pool trusts besides the system's
 */
export function createAgents(
  create: (tls: buildConnector.BuildOptions) => Dispatcher,
  caCertificates: readonly string[] | undefined,
): Agents {
  const all = new Set<Dispatcher>()
  const special = new LRUCache<string, Dispatcher>({
    max: DISTINCT_MAX,
    dispose: agent => {
      const forget = (): void => void all.delete(agent)
      agent.close().then(forget, forget)
    },
  })

  function add(tls: buildConnector.BuildOptions): Dispatcher {
    const agent = create(tls)
    all.add(agent)
    return agent
  }

  const common = add(caCertificates === undefined ? {} : trusting(caCertificates))

  return {
    of(tls) {
      if (tls === undefined || (tls.ca === undefined && tls.insecure !== true)) return common
      const key = keyOf(tls)
      const known = special.get(key)
      if (known !== undefined) return known
      const agent = add(
        tls.insecure === true ? { rejectUnauthorized: false } : trusting([...(caCertificates ?? []), String(tls.ca)]),
      )
      special.set(key, agent)
      return agent
    },
    async stop() {
      await Promise.all([...all].map(agent => agent.destroy()))
    },
  }
}

/** The certificates are read once, not for every connection. */
function trusting(certificates: readonly string[]): buildConnector.BuildOptions {
  return { secureContext: createSecureContext({ ca: [...getCACertificates('default'), ...certificates] }) }
}

function keyOf({ ca, insecure }: TlsSettings): string {
  return insecure === true ? 'insecure' : `ca ${ca}`
}
