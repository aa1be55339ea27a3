import { DamselflyError } from '../../../protocol/errors.ts'
import type { RegistryAccount } from '../credentials/configured-credentials.ts'
import { loadTlsSettings, type TlsSettings } from '../tls-settings.ts'
import { mirrorBaseUrl } from './mirror-url.ts'
import { baseUrlOf } from './registry-names.ts'
import type { UpstreamConfigs } from './upstream-config.ts'

/** The accounts that the configuration gives for registries, by the registry's name. */
export function configuredAccounts(upstreams: UpstreamConfigs): Record<string, RegistryAccount> {
  return Object.fromEntries(
    Object.entries(upstreams).flatMap(([registry, { account }]) =>
      account === undefined ? [] : [[registry, account]],
    ),
  )
}

/**
 * How certificates are looked at, by the host of a URL: of registries and of their mirrors.
 * @throws DamselflyError CONFIG_INVALID when a certificate file cannot be read, or one host is to be looked at in two ways
 */
export async function configuredTls(upstreams: UpstreamConfigs): Promise<(host: string) => TlsSettings | undefined> {
  const settings = new Map<string, TlsSettings>()
  for (const { url, caFile, insecure } of placesOf(upstreams)) {
    if (caFile === undefined && insecure === undefined) continue
    const { host } = new URL(url)
    const loaded = await loadTlsSettings({ caFile, insecure })
    const before = settings.get(host)
    if (before !== undefined && (before.ca !== loaded.ca || before.insecure !== loaded.insecure)) {
      throw new DamselflyError('CONFIG_INVALID', `upstreams: ${host} has two different settings of caFile and insecure`)
    }
    settings.set(host, loaded)
  }
  return host => settings.get(host)
}

/**
 * The URLs at which registries and their mirrors answer.
 * @throws DamselflyError CONFIG_INVALID for what is none
 */
export function configuredUrls(upstreams: UpstreamConfigs): string[] {
  return placesOf(upstreams).map(({ url }) => {
    if (URL.canParse(url)) return url
    throw new DamselflyError('CONFIG_INVALID', `upstreams: ${url} is not a URL`)
  })
}

interface Place {
  readonly url: string
  readonly caFile?: string | undefined
  readonly insecure?: boolean | undefined
}

function placesOf(upstreams: UpstreamConfigs): Place[] {
  return Object.entries(upstreams).flatMap(([registry, upstream]) => [
    { ...upstream, url: baseUrlOf(registry, upstreams) },
    ...(upstream.mirrors ?? []).map((mirror, index) => ({
      ...mirror,
      url: mirrorBaseUrl(mirror.url, `upstreams.${registry}.mirrors.${index}.url`),
    })),
  ])
}
