import { readFile } from 'node:fs/promises'
import { type Static, Type } from 'typebox'
import { DamselflyError } from '../../../protocol/errors.ts'
import { isHelperName } from './credential-helper.ts'
import type { CredentialStore } from './credential-store.ts'
import type { HelperCredentials } from './helper-credentials.ts'
import { type RegistryCredentials, usableCredentials } from './registry-credentials.ts'
import { registryHost } from './registry-host.ts'

/** An account in a program's configuration: a user with a password, an identity token, or a helper that knows either. */
export const RegistryAccount = Type.Object(
  {
    username: Type.Optional(Type.String({ description: 'user or robot account at the registry' })),
    password: Type.Optional(Type.String({ description: 'its password; better kept in a file of its own' })),
    passwordFile: Type.Optional(Type.String({ description: 'file with the password, read at start' })),
    identityToken: Type.Optional(Type.String({ description: 'OAuth2 refresh token, instead of user and password' })),
    identityTokenFile: Type.Optional(Type.String({ description: 'file with the identity token, read at start' })),
    helper: Type.Optional(Type.String({ description: 'name of a docker-credential-… program to ask instead' })),
  },
  { additionalProperties: false },
)
export type RegistryAccount = Static<typeof RegistryAccount>

type Ready = { readonly credentials: RegistryCredentials | undefined } | { readonly helper: string }

/** The accounts of a configuration, by registry. Secrets that lie in files are read once, by `load()`. */
export class ConfiguredCredentials implements CredentialStore {
  readonly #helpers: HelperCredentials
  readonly #accounts: Readonly<Record<string, RegistryAccount>>
  #ready = new Map<string, Ready>()

  constructor(helpers: HelperCredentials, accounts: Readonly<Record<string, RegistryAccount>>) {
    this.#helpers = helpers
    this.#accounts = accounts
  }

  /** @throws DamselflyError CONFIG_INVALID, naming the registry and never the secret */
  async load(): Promise<void> {
    const ready = new Map<string, Ready>()
    for (const [name, account] of Object.entries(this.#accounts)) {
      const host = registryHost(name)
      if (host === undefined) throw invalid(name, 'is not the host of a registry')
      if (ready.has(host)) throw invalid(name, 'has an account under another spelling already')
      ready.set(host, await readAccount(name, account))
    }
    this.#ready = ready
  }

  async forRegistry(host: string, options: { readonly signal?: AbortSignal | undefined }) {
    const name = registryHost(host)
    const account = name === undefined ? undefined : this.#ready.get(name)
    if (name === undefined || account === undefined) return undefined
    return 'helper' in account ? this.#helpers.get(account.helper, name, options) : account.credentials
  }
}

async function readAccount(name: string, account: RegistryAccount): Promise<Ready> {
  const { username, password, passwordFile, identityToken, identityTokenFile, helper } = account
  const given = Object.entries(account).flatMap(([key, value]) => (value === undefined ? [] : [key]))
  const isExactly = (...keys: string[]) => given.length === keys.length && keys.every(key => given.includes(key))

  if (helper !== undefined && isExactly('helper')) {
    if (!isHelperName(helper)) throw invalid(name, 'names a helper that is not of the form a-z, 0-9, -')
    return { helper }
  }
  if (username !== undefined && (isExactly('username', 'password') || isExactly('username', 'passwordFile'))) {
    if (username.includes(':')) throw invalid(name, 'has a user name with a colon')
    const secret = password ?? (await readSecret(name, passwordFile ?? ''))
    return { credentials: usableCredentials({ username, password: secret }) }
  }
  if (isExactly('identityToken') || isExactly('identityTokenFile')) {
    const token = identityToken ?? (await readSecret(name, identityTokenFile ?? ''))
    return { credentials: usableCredentials({ identityToken: token }) }
  }
  throw invalid(name, 'needs username with password or passwordFile, or identityToken(File), or helper')
}

/** A secret in a file; the line break at its end is an editor's. */
async function readSecret(name: string, path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw invalid(name, `names a file that cannot be read (${(error as NodeJS.ErrnoException).code}): ${path}`)
  }
  const secret = text.replace(/\r?\n$/, '')
  if (secret === '') throw invalid(name, `names an empty file: ${path}`)
  return secret
}

function invalid(name: string, problem: string): DamselflyError {
  return new DamselflyError('CONFIG_INVALID', `the account of registry "${name}" ${problem}`)
}
