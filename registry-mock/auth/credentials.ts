/** A user name with its password. */
export interface Account {
  readonly username: string
  readonly password: string
}

/** Reads an `Authorization: Basic` header (RFC 7617); undefined for anything else. */
export function parseBasic(authorization: string | undefined): Account | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const [, username, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []
  return username === undefined || password === undefined ? undefined : { username, password }
}

/** Whether the given account is the known one. */
export function isAccount(known: Account, given: Account | undefined): boolean {
  return given?.username === known.username && given.password === known.password
}
