import type { MadeToken, TokenView } from '../../../../protocol/messages/token-api.ts'
import { printable } from '../../../terminal/format.ts'
import { tableLines } from '../../../terminal/table.ts'

/** Tokens for people, one a line. @param now milliseconds since 1970 */
export function tokenTable(tokens: readonly TokenView[], now: number): string {
  if (tokens.length === 0) return 'there are no tokens\n'
  const rows = tokens.map(token => [
    token.id,
    token.role,
    shortTime(token.createdAt),
    expiryText(token, now),
    usesText(token),
    printable(token.comment),
  ])
  return `${tableLines([['ID', 'ROLE', 'CREATED', 'EXPIRES', 'USES LEFT', 'COMMENT'], ...rows]).join('\n')}\n`
}

/** What the holder of a new token needs: the line to run on a node, or the token. */
export function madeTokenLine({ token, joinUrl }: MadeToken): string {
  return joinUrl === undefined ? `${token}\n` : `dfdaemon join ${joinUrl} --token ${token}\n`
}

/** What is to be known about a new token. */
export function madeTokenNote(token: MadeToken, now: number): string {
  const { role, usesLeft } = token
  const until = token.expiresAt === null ? 'never expires' : `expires ${expiryText(token, now)}`
  const uses =
    role !== 'node'
      ? ''
      : usesLeft === null
        ? ', for any number of nodes'
        : `, for ${usesLeft} node${usesLeft === 1 ? '' : 's'}`
  return `token ${token.id} for the role ${role}${uses}; it ${until}, and is shown this once\n`
}

function usesText({ role, usesLeft }: TokenView): string {
  if (role !== 'node') return '-'
  return usesLeft === null ? 'any' : `${usesLeft}`
}

function expiryText({ expiresAt }: TokenView, now: number): string {
  if (expiresAt === null) return 'never'
  return expiresAt <= now ? 'expired' : shortTime(expiresAt)
}

/** `2027-02-27 10:00Z`. */
function shortTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')}Z`
}
