import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { TokenView } from '../../../../protocol/messages/token-api.ts'
import { writeFileAtomically } from '../../../fs.ts'

/** A token as it is stored: a hash in place of its secret. A hash needs no salt, since nobody can try 2^192 secrets. */
export const StoredToken = Type.Object(
  { ...TokenView.properties, sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) },
  { additionalProperties: false },
)
export type StoredToken = Static<typeof StoredToken>

const TokenFile = Type.Object({ version: Type.Literal(1), tokens: Type.Array(StoredToken) })
const MODE = 0o600

/** Reads a file of tokens; none where it does not exist. @throws DamselflyError CONFIG_INVALID when it is something else */
export async function readTokens(path: string): Promise<StoredToken[]> {
  let content: unknown
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      content = JSON.parse(await file.readFile('utf8'))
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unusable(path, (error as Error).message, error)
  }
  if (Value.Check(TokenFile, content)) return content.tokens
  throw unusable(path, 'it does not have the form of one')
}

/** Replaces the file of tokens as a whole. @throws DamselflyError STORE_FAILED */
export async function writeTokens(path: string, tokens: readonly StoredToken[]): Promise<void> {
  try {
    await writeFileAtomically(path, `${JSON.stringify({ version: 1, tokens }, undefined, 1)}\n`, MODE)
  } catch (error) {
    throw new DamselflyError('STORE_FAILED', `tokens cannot be written: ${(error as Error).message}`, { cause: error })
  }
}

function unusable(path: string, reason: string, cause?: unknown): DamselflyError {
  const what = `${path} is no file of tokens: ${reason}; move it away, which revokes all tokens, or restore it`
  return new DamselflyError('CONFIG_INVALID', what, { cause })
}
