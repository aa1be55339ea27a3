import { DamselflyError } from '../../protocol/errors.ts'

/**
 * Refuses what makes one file of a URL another for Dragonfly, and cannot be said to our jobs: nodes would look for other content than was
 * spread. For images it means nothing, since their contents are known by digest.
 * @param given by the names that the caller knows
 * @throws DamselflyError REQUEST_INVALID
 */
export function refuseFileIdentity(given: Readonly<Record<string, string | undefined>>): void {
  const [name] = Object.entries(given).find(([, value]) => value !== undefined && value !== '') ?? []
  if (name === undefined) return
  throw new DamselflyError('REQUEST_INVALID', `"${name}" is not supported for files; leave it out, or empty`)
}
