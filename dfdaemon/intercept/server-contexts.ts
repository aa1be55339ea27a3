import { createSecureContext, type SecureContext } from 'node:tls'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../lib/clock.ts'
import type { CertificateAuthority } from './certificate-authority.ts'

/** What a TLS server needs to speak for a host. */
export interface ServerContexts {
  /** Made at the first call, shared by those that come meanwhile, and replaced long before its certificate runs out. */
  get(host: string): Promise<SecureContext>
}

const MAX_HOSTS = 1024

/**
 * Keeps the TLS contexts of hosts. Clients open a connection for each request (contracts §0 rule 12): a context that stays
 * the same lets them resume their sessions, which skips the signature.
 */
export function createServerContexts(authority: CertificateAuthority, clock: Clock): ServerContexts {
  const contexts = new LRUCache<string, SecureContext>({
    max: MAX_HOSTS,
    ttlResolution: 0,
    perf: clock,
    async fetchMethod(host, _stale, { options }) {
      const { certificate, key, renewAfterMs } = await authority.issue(host)
      options.ttl = Math.max(1, renewAfterMs)
      return createSecureContext({ cert: certificate, key })
    },
  })
  return {
    async get(host) {
      const context = await contexts.fetch(host)
      if (context === undefined) throw new Error('the certificate was not made')
      return context
    },
  }
}
