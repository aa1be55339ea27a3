import { type Static, Type } from 'typebox'
import { TimeField } from '../../protocol/messages/fields.ts'
import { NodeNameField } from '../../protocol/messages/membership.ts'

/** What is known of a member. Its PeerId is the key. */
export const Member = Type.Object({
  /** What the node calls itself. */
  name: NodeNameField,
  /** Id of the token that it joined with. */
  token: Type.String(),
  /** Whether it is forgotten when its credential ends. */
  temporary: Type.Boolean(),
  /** Milliseconds since 1970. */
  joinedAt: TimeField,
  /** When it was last given a credential, in milliseconds since 1970. */
  renewedAt: TimeField,
})
export type Member = Static<typeof Member>

/** The members that have not been heard of for too long. */
export function membersToForget(
  members: ReadonlyMap<string, Member>,
  now: number,
  { lifetimeMs, forgetMs }: { readonly lifetimeMs: number; readonly forgetMs: number },
): string[] {
  return [...members]
    .filter(([, { renewedAt, temporary }]) => now - renewedAt > (temporary ? lifetimeMs : forgetMs))
    .map(([peer]) => peer)
}
