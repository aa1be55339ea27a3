import { readFileSync } from 'node:fs'
import { DamselflyError } from '../../../protocol/errors.ts'
import { parseToken } from '../../../protocol/token.ts'

/** Reads the token in a file. @throws DamselflyError CONFIG_INVALID */
export function readToken(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new DamselflyError('CONFIG_INVALID', `the token file cannot be read: ${(error as Error).message}`)
  }
  if (parseToken(text) !== undefined) return text
  // Whatever is in there may be a secret.
  throw new DamselflyError('CONFIG_INVALID', `${path} holds no token: expected one line that begins with dmsl_`)
}
