/**
 * Reads a shared credentials file: `[profile]` lines, and `name = value` below them. Lines that begin with `#` or `;` and what follows
 * those behind a blank are comments; indented lines are settings of the one above, which are none of ours.
 * @returns settings with lower-case names, by profile
 */
export function parseProfiles(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const profiles = new Map<string, Map<string, string>>()
  let settings: Map<string, string> | undefined
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const profile = /^\[([^\]]*)\]/.exec(line)?.[1]?.trim()
    if (profile !== undefined) {
      settings = profiles.get(profile) ?? new Map()
      profiles.set(profile, settings)
      continue
    }
    const [, name, value = ''] = /^([^\s#;=][^=]*)=(.*)$/.exec(line) ?? []
    if (name !== undefined) settings?.set(name.trim().toLowerCase(), withoutComment(value.trim()))
  }
  return profiles
}

function withoutComment(value: string): string {
  const comment = value.search(/(?:^|\s)[#;]/)
  return comment < 0 ? value : value.slice(0, comment).trim()
}
