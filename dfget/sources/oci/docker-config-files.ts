import { homedir } from 'node:os'
import { join } from 'node:path'
import type { DockerConfigFile } from '../../../lib/origin/credentials/docker-config-credentials.ts'

/** The variables of the environment that matter here. */
export interface DockerEnvironment {
  readonly DOCKER_CONFIG?: string | undefined
  readonly HOME?: string | undefined
}

/**
 * The file in which `docker login`, `oras login` and others keep the user's accounts: `config.json` in the directory `DOCKER_CONFIG`, else in
 * `~/.docker`. Nobody has to have one.
 */
export function userDockerConfigs({
  DOCKER_CONFIG: directory = '',
  HOME: home = '',
}: DockerEnvironment): DockerConfigFile[] {
  const place = directory === '' ? join(home.startsWith('/') ? home : homedir(), '.docker') : directory
  return [{ path: join(place, 'config.json'), required: false }]
}
