import type { RegistryAccount } from '../lib/origin/credentials/configured-credentials.ts'
import { loadTlsSettings, type TlsSettings } from '../lib/origin/tls-settings.ts'
import type { UpstreamConfig } from './config.ts'
import { baseUrlOf } from './proxy/upstream.ts'

type Upstreams = Readonly<Record<string, UpstreamConfig>>

/** The accounts that the configuration gives for registries, by the registry's name. */
export function configuredAccounts(upstreams: Upstreams): Record<string, RegistryAccount> {
  return Object.fromEntries(
    Object.entries(upstreams).flatMap(([registry, { account }]) =>
      account === undefined ? [] : [[registry, account]],
    ),
  )
}

/**
 * How certificates are looked at, by the host of a URL.
 * @throws DamselflyError CONFIG_INVALID when a certificate file cannot be read
 */
export async function configuredTls(upstreams: Upstreams): Promise<(host: string) => TlsSettings | undefined> {
  const settings = new Map<string, TlsSettings>()
  for (const [registry, upstream] of Object.entries(upstreams)) {
    const { host } = new URL(baseUrlOf(registry, upstreams))
    settings.set(host, await loadTlsSettings(upstream))
  }
  return host => settings.get(host)
}
