/** What is known of a member. */
export interface Member {
  /** What the node calls itself. */
  readonly name: string
  /** Id of the token that it joined with. */
  readonly token: string
  /** Whether it is forgotten when its credential ends. */
  readonly temporary: boolean
  /** Milliseconds since 1970. */
  readonly joinedAt: number
  /** When it was last given a credential, in milliseconds since 1970. */
  readonly renewedAt: number
}

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
