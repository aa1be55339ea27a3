import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanEnvironment } from './runtime.ts'

/** What podman, buildah and skopeo need instead of the machine's /etc/containers. */
export interface ContainersConfig {
  readonly env: NodeJS.ProcessEnv
  readonly policyFile: string
  readonly registriesFile: string
}

/**
 * Writes the configuration of the containers/image tools. With a mirror, docker.io is asked for there first; a mirror
 * other than the registry itself learns the upstream by the path prefix `docker.io` (containers-registries.conf).
 */
export async function writeContainersConfig(
  directory: string,
  upstream?: { readonly mirrorUrl: string; readonly registryUrl: string },
): Promise<ContainersConfig> {
  const policyFile = join(directory, 'policy.json')
  const registriesFile = join(directory, 'registries.conf')
  const authFile = join(directory, 'auth.json')
  await writeFile(authFile, '{}')
  await writeFile(policyFile, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }))
  await writeFile(
    registriesFile,
    upstream === undefined ? '' : registriesToml(upstream.mirrorUrl, upstream.registryUrl),
  )
  const env = {
    ...cleanEnvironment(directory),
    CONTAINERS_REGISTRIES_CONF: registriesFile,
    REGISTRY_AUTH_FILE: authFile,
    BUILDAH_ISOLATION: 'chroot',
  }
  return { env, policyFile, registriesFile }
}

function registriesToml(mirrorUrl: string, registryUrl: string): string {
  const primary = `[[registry]]\nprefix = "docker.io"\nlocation = "${new URL(registryUrl).host}"\ninsecure = true\n`
  if (mirrorUrl === registryUrl) return primary
  return `${primary}[[registry.mirror]]\nlocation = "${new URL(mirrorUrl).host}/docker.io"\ninsecure = true\n`
}
