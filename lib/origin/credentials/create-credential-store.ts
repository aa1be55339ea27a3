import type { Clock } from '../../clock.ts'
import type { Startable } from '../../lifecycle.ts'
import type { Logger } from '../../logger.ts'
import { ConfiguredCredentials, type RegistryAccount } from './configured-credentials.ts'
import type { CredentialStore } from './credential-store.ts'
import { DockerConfigCredentials, type DockerConfigFile } from './docker-config-credentials.ts'
import { HelperCredentials } from './helper-credentials.ts'

/** Where accounts come from. */
export interface CredentialSettings {
  /** Accounts by registry; they come before those of files. */
  readonly accounts?: Readonly<Record<string, RegistryAccount>> | undefined
  /** `config.json` files of docker, the first that knows the registry decides. */
  readonly dockerConfigs?: readonly DockerConfigFile[] | undefined
}

/** What a store works with. `env` is what credential helpers are run with, this process's own by default. */
export interface CredentialComponents {
  readonly logger: Logger
  readonly clock: Clock
  readonly env?: NodeJS.ProcessEnv
}

/**
 * All sources of accounts as one. `start()` reads the configured secrets and files; `stop()` ends running helpers.
 * `start()` throws DamselflyError CONFIG_INVALID for an account or a file that the operator named and that is unusable.
 */
export function createCredentialStore(
  components: CredentialComponents,
  settings: CredentialSettings,
): CredentialStore & Startable {
  const { logger } = components
  const helpers = new HelperCredentials(components)
  const configured = new ConfiguredCredentials(helpers, settings.accounts ?? {})
  const files = (settings.dockerConfigs ?? []).map(file => new DockerConfigCredentials({ helpers, logger }, file))

  return {
    async start() {
      await configured.load()
      for (const file of files) await file.load()
    },
    stop: () => helpers.stop(),
    async forRegistry(host, { signal }) {
      for (const store of [configured, ...files]) {
        signal?.throwIfAborted()
        const found = await store.forRegistry(host, { signal })
        if (found !== undefined) return found
      }
      return undefined
    },
  }
}
