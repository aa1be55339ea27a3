/** Whether a name is one file or directory in the directory that it is used in, and does not disturb a terminal. */
export function isSafeName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\p{Cc}]/u.test(name)
}

/** Whether a path that somebody else wrote, with names separated by `/`, stays below the directory that it is used in. */
export function isSafePath(path: string): boolean {
  return path.split('/').every(isSafeName)
}

/** The segments of a URL's path, as the URL parser spells them, without empty ones. */
export function pathSegments({ pathname }: URL): string[] {
  return pathname.split('/').filter(segment => segment !== '')
}

/**
 * The file name that a segment of a URL's path stands for: percent-decoded once. What would be no safe name, or no text, stays in
 * its encoded spelling, which always is one, because the URL parser has resolved `.` and `..` in any spelling.
 */
export function segmentName(segment: string): string {
  const name = decoded(segment)
  return name !== undefined && isSafeName(name) ? name : segment
}

/** One spelling of a segment for all that a server cannot tell apart, such as `~a` and `%7ea`. */
export function segmentKey(segment: string): string {
  const name = decoded(segment)
  return name === undefined ? segment : encodeURIComponent(name)
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
