import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanEnvironment, type RuntimeInit } from './runtime.ts'

/** What podman, buildah and skopeo need instead of the machine's /etc/containers. */
export interface ContainersConfig {
  readonly env: NodeJS.ProcessEnv
  readonly policyFile: string
  readonly registriesFile: string
}

/** Which registry is asked for where. */
export type ContainersUpstream = Pick<RuntimeInit, 'registry' | 'mirrorUrl' | 'registryUrl' | 'environment'>

/**
 * Writes the configuration of the containers/image tools. With a mirror, the registry's images are asked for there first; a
 * mirror other than the registry itself learns the registry by the path prefix (containers-registries.conf).
 */
export async function writeContainersConfig(
  directory: string,
  upstream?: ContainersUpstream,
): Promise<ContainersConfig> {
  const policyFile = join(directory, 'policy.json')
  const registriesFile = join(directory, 'registries.conf')
  const authFile = join(directory, 'auth.json')
  await writeFile(authFile, '{}')
  await writeFile(policyFile, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }))
  await writeFile(registriesFile, upstream === undefined ? '' : registriesToml(upstream))
  const env = {
    ...cleanEnvironment(directory),
    CONTAINERS_REGISTRIES_CONF: registriesFile,
    REGISTRY_AUTH_FILE: authFile,
    BUILDAH_ISOLATION: 'chroot',
    ...upstream?.environment,
  }
  return { env, policyFile, registriesFile }
}

/** The flag by which a user shows an account for this one pull. */
export function credentialsFlag(name: '--creds' | '--src-creds', { credentials }: RuntimeInit): string[] {
  return credentials === undefined ? [] : [name, `${credentials.username}:${credentials.password}`]
}

function registriesToml({ registry = 'docker.io', mirrorUrl, registryUrl }: ContainersUpstream): string {
  // By its own name, which the tools know; an account is not shown to a registry under another.
  if (mirrorUrl === registryUrl && mirrorUrl.startsWith('https:')) return ''
  const primary = `[[registry]]\nprefix = "${registry}"\nlocation = "${new URL(registryUrl).host}"\ninsecure = true\n`
  if (mirrorUrl === registryUrl) return primary
  // A location with a colon in its path makes references that these tools refuse.
  const location = `${new URL(mirrorUrl).host}/${registry.replace(/:(?=\d+$)/, '_')}`
  return `${primary}[[registry.mirror]]\nlocation = "${location}"\ninsecure = true\n`
}
