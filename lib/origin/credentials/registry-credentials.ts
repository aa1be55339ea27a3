import { createHash } from 'node:crypto'

/**
 * An account of our own at a registry. It is sent to that registry and to the token service that it names, never logged
 * and never part of an error. What a requester sent itself stays in its headers and is something else.
 */
export type RegistryCredentials = PasswordCredentials | IdentityToken

/** A name and a password or access key; Harbor's robot accounts are such names, `robot$project+name`. */
export interface PasswordCredentials {
  readonly username: string
  readonly password: string
}

/** An OAuth2 refresh token, which a token service exchanges for access tokens. */
export interface IdentityToken {
  readonly identityToken: string
}

/** The credentials, unless they are empty: an empty user and password stand for nobody (contracts §0 rule 10). */
export function usableCredentials(credentials: RegistryCredentials | undefined): RegistryCredentials | undefined {
  if (credentials === undefined) return undefined
  const secret =
    'identityToken' in credentials ? credentials.identityToken : credentials.username + credentials.password
  return secret === '' ? undefined : credentials
}

/** Tells credentials apart without holding them: a hash, or the empty text for none. */
export function credentialsKey(credentials: RegistryCredentials | undefined): string {
  if (credentials === undefined) return ''
  const parts =
    'identityToken' in credentials ? [credentials.identityToken] : [credentials.username, credentials.password]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

/** `Authorization` of the Basic scheme (RFC 7617, in UTF-8). */
export function basicAuthorization({ username, password }: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
