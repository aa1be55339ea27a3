import { matchesPattern } from '../../lib/pattern.ts'

/**
 * How far a tag is trusted:
 * - `revalidate`: the registry is asked each time; when it is down, the last known digest serves
 * - `pin`: once resolved, a tag stays what it was
 * - `bypass`: the request goes to the registry as it is
 */
export type TagMode = 'revalidate' | 'pin' | 'bypass'

/** A mode for the references that match a pattern. */
export interface TagRule {
  /** `registry/repository:tag` with `*` for anything, for example `docker.io/library/*:*` or `*:latest`. */
  readonly pattern: string
  readonly mode: TagMode
}

/** The mode of a reference: that of the first rule that matches, else `revalidate`. */
export function tagModeOf(reference: string, rules: readonly TagRule[]): TagMode {
  return rules.find(rule => matchesPattern(reference, rule.pattern))?.mode ?? 'revalidate'
}
