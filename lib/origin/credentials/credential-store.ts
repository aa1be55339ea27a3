import type { RegistryCredentials } from './registry-credentials.ts'

/** Finds our own account at a registry. */
export interface CredentialStore {
  /**
   * @param host `host[:port]` of the registry; the names of Docker Hub are one
   * @returns undefined when there is no account, or when it cannot be read now
   * @throws the signal's reason when it aborts
   */
  forRegistry(
    host: string,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<RegistryCredentials | undefined>
}
