import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { DamselflyError } from '../../../protocol/errors.ts'
import { KeyField } from '../../../protocol/messages/fields.ts'
import { isHelperName } from './credential-helper.ts'
import { type RegistryCredentials, usableCredentials } from './registry-credentials.ts'
import { registryHost } from './registry-host.ts'

/** What of docker's `config.json` concerns credentials. Registries are spelled as `registryHost` does. */
export interface DockerConfig {
  readonly accounts: ReadonlyMap<string, RegistryCredentials>
  /** Helpers that are asked for one registry. */
  readonly helpers: ReadonlyMap<string, string>
  /** The helper that is asked for every other one. */
  readonly defaultHelper: string | undefined
}

/** The entry of one registry, also in the form of Kubernetes' pull secrets, with user and password in clear. */
const Entry = Type.Object({
  auth: Type.Optional(Type.String()),
  username: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  identitytoken: Type.Optional(Type.String()),
})

const ConfigFile = Type.Object({
  auths: Type.Optional(Type.Record(KeyField, Entry)),
  credHelpers: Type.Optional(Type.Record(KeyField, Type.String())),
  credsStore: Type.Optional(Type.String()),
})

/** A file without credentials. */
export const EMPTY_DOCKER_CONFIG: DockerConfig = { accounts: new Map(), helpers: new Map(), defaultHelper: undefined }

/**
 * Reads docker's `config.json`. What else it holds is left alone. An entry that is not for a whole registry is skipped.
 * @throws DamselflyError CONFIG_INVALID, quoting names of registries and helpers but no value
 */
export function parseDockerConfig(text: string): DockerConfig {
  const file = parseJson(text)
  if (!Value.Check(ConfigFile, file)) {
    const [problem] = Value.Errors(ConfigFile, file)
    throw new DamselflyError('CONFIG_INVALID', `it is no docker configuration: ${problem?.instancePath || '/'}`)
  }
  const { auths = {}, credHelpers = {}, credsStore = '' } = file
  const accounts = byHost(Object.entries(auths).flatMap(([name, entry]) => withValue(name, accountOf(name, entry))))
  const helpers = byHost(Object.entries(credHelpers).map(([name, helper]) => [name, checkedHelper(helper)]))
  return { accounts, helpers, defaultHelper: credsStore === '' ? undefined : checkedHelper(credsStore) }
}

function accountOf(name: string, entry: Type.Static<typeof Entry>): RegistryCredentials | undefined {
  const { auth = '', username, password, identitytoken = '' } = entry
  if (identitytoken !== '') return { identityToken: identitytoken }
  if (auth === '') return usableCredentials({ username: username ?? '', password: password ?? '' })
  const decoded = Buffer.from(auth, 'base64').toString()
  const colon = decoded.indexOf(':')
  if (colon < 0) throw new DamselflyError('CONFIG_INVALID', `the auth of "${name}" is not base64 of user:password`)
  // Old versions of docker padded with zero bytes.
  return usableCredentials({
    username: decoded.slice(0, colon),
    password: decoded.slice(colon + 1).replace(/\0+$/, ''),
  })
}

function checkedHelper(name: string): string {
  if (isHelperName(name)) return name
  throw new DamselflyError('CONFIG_INVALID', `"${name}" is not the name of a credential helper`)
}

function withValue<T>(name: string, value: T | undefined): [string, T][] {
  return value === undefined ? [] : [[name, value]]
}

/** By the one spelling of a host. An entry that has this spelling already comes before those that have not. */
function byHost<T>(entries: readonly (readonly [string, T])[]): Map<string, T> {
  const found = new Map<string, T>()
  for (const [name, value] of entries) {
    const host = registryHost(name)
    if (host !== undefined && (name === host || !found.has(host))) found.set(host, value)
  }
  return found
}

/** Without the parser's own message, which would quote what it read. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new DamselflyError('CONFIG_INVALID', 'it is not JSON')
  }
}
