import { readFile, stat } from 'node:fs/promises'
import { DamselflyError, toDamselflyError } from '../../../protocol/errors.ts'
import type { Logger } from '../../logger.ts'
import type { CredentialStore } from './credential-store.ts'
import { type DockerConfig, EMPTY_DOCKER_CONFIG, parseDockerConfig } from './docker-config.ts'
import type { HelperCredentials } from './helper-credentials.ts'
import type { RegistryCredentials } from './registry-credentials.ts'
import { registryHost } from './registry-host.ts'

/** A `config.json` of docker. */
export interface DockerConfigFile {
  readonly path: string
  /** Whether the operator named it: then it must be there and readable at start. */
  readonly required: boolean
}

const FILE_LIMIT_BYTES = 1024 * 1024

/**
 * The accounts of a docker `config.json`, and of the credential helpers that it names. The file is read again when it changes;
 * while it is unusable, for example half written, what it said before still counts. Without the file there are no accounts.
 */
export class DockerConfigCredentials implements CredentialStore {
  readonly #helpers: HelperCredentials
  readonly #logger: Logger
  readonly #file: DockerConfigFile
  #config = EMPTY_DOCKER_CONFIG
  /** Which state of the file was looked at last, good or bad. */
  #seen = ''
  #warned: string | undefined

  constructor(components: { readonly helpers: HelperCredentials; readonly logger: Logger }, file: DockerConfigFile) {
    this.#helpers = components.helpers
    this.#logger = components.logger
    this.#file = file
  }

  /** Reads the file for the first time. @throws DamselflyError CONFIG_INVALID when it is required and unusable */
  async load(): Promise<void> {
    const { path, required } = this.#file
    try {
      if (!(await this.#refresh()) && required) throw new DamselflyError('CONFIG_INVALID', 'there is no such file')
    } catch (error) {
      if (!required) return this.#warn(error)
      throw new DamselflyError('CONFIG_INVALID', `docker configuration ${path}: ${toDamselflyError(error).detail}`)
    }
  }

  async forRegistry(
    host: string,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<RegistryCredentials | undefined> {
    await this.#refresh().catch(error => this.#warn(error))
    const name = registryHost(host)
    if (name === undefined) return undefined
    const { accounts, helpers, defaultHelper } = this.#config
    const helper = helpers.get(name) ?? defaultHelper
    const found = helper === undefined ? undefined : await this.#helpers.get(helper, name, options)
    return found ?? accounts.get(name)
  }

  /** Reads the file if it changed. @returns whether it is there @throws DamselflyError CONFIG_INVALID */
  async #refresh(): Promise<boolean> {
    const state = await stateOf(this.#file.path)
    const before = this.#seen
    if (state.version === before) return state.version !== ''
    this.#seen = state.version
    const config = state.version === '' ? EMPTY_DOCKER_CONFIG : await readConfig(this.#file.path, state.sizeBytes)
    // Somebody else may have read a later state meanwhile.
    if (this.#seen === state.version) this.#config = config
    this.#warned = undefined
    return state.version !== ''
  }

  /** Once for each problem, not for each request. */
  #warn(error: unknown): void {
    const { detail } = toDamselflyError(error)
    if (detail === this.#warned) return
    this.#warned = detail
    this.#logger.warn({ path: this.#file.path, detail }, 'docker configuration is unusable')
  }
}

/** What tells states of the file apart; an empty version when there is none. */
async function stateOf(path: string): Promise<{ version: string; sizeBytes: number }> {
  try {
    const { mtimeNs, ctimeNs, size, ino } = await stat(path, { bigint: true })
    return { version: `${mtimeNs} ${ctimeNs} ${size} ${ino}`, sizeBytes: Number(size) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { version: '', sizeBytes: 0 }
    throw new DamselflyError('CONFIG_INVALID', `it cannot be read (${code})`)
  }
}

async function readConfig(path: string, sizeBytes: number): Promise<DockerConfig> {
  if (sizeBytes > FILE_LIMIT_BYTES) throw new DamselflyError('CONFIG_INVALID', `it has over ${FILE_LIMIT_BYTES} bytes`)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new DamselflyError('CONFIG_INVALID', `it cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  return parseDockerConfig(text)
}
