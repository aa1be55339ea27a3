import type { Source } from '../../lib/origin/origin.ts'
import { toDamselflyError } from '../../protocol/errors.ts'

/** What an origin is asked with. */
export type Login = Pick<Source, 'headers' | 'credentials'>

/** What a job brings that brings nothing: the supernode's own account, where it has one, or none. */
const OWN_LOGIN: Login = { headers: {} }

/**
 * Asks an origin with what a job brought, and where that is refused, because it has expired perhaps, as the supernode itself.
 * @throws whatever `ask` throws, of two refusals the first
 */
export async function elseAsOurselves<Answer>(brought: Login, ask: (login: Login) => Promise<Answer>): Promise<Answer> {
  try {
    return await ask(brought)
  } catch (error) {
    const hasOwn = brought.credentials === undefined && Object.keys(brought.headers).length === 0
    if (!isRefusal(error) || hasOwn) throw error
    return await ask(OWN_LOGIN).catch(second => {
      throw isRefusal(second) ? error : second
    })
  }
}

/** Whether whoever was asked wants to see somebody else. */
function isRefusal(error: unknown): boolean {
  return ['UNAUTHORIZED', 'DENIED'].includes(toDamselflyError(error).code)
}
