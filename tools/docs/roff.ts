/** Characters that roff would read or print as others. */
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
}

/** Text that a manual page shows as it is, on one line of the source. */
export function roff(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ')
  const escaped = line.replaceAll(
    /[\\\-'`^~]|[^\x20-\x7e]/gu,
    character => ESCAPES[character] ?? unicodeEscape(character),
  )
  // A dot at the beginning of a line would make it a request. An apostrophe would too, but is escaped anyhow.
  return escaped.replace(/^\./, '\\&.')
}

/** The same in bold, for what is typed as it stands. */
export function bold(text: string): string {
  return `\\fB${roff(text)}\\fR`
}

/** The same in italics, for what is replaced. */
export function italic(text: string): string {
  return `\\fI${roff(text)}\\fR`
}

/** A section of a page; an empty one is left out. */
export function section(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH ${roff(heading.toUpperCase())}`, ...lines]
}

/** A heading within a section, and what is below it. */
export function subsection(heading: string, lines: readonly string[]): string[] {
  return [`.SS ${macroArgument(heading)}`, ...lines]
}

/** A term, and below it, indented, what it means. */
export function entry(term: string, ...lines: readonly string[]): string[] {
  return ['.TP', term, ...lines]
}

/** Text as one argument of a macro. */
export function macroArgument(text: string): string {
  return `"${roff(text).replaceAll('"', '\\(dq')}"`
}

function unicodeEscape(character: string): string {
  const point = character.codePointAt(0) ?? 0
  return `\\[u${point.toString(16).toUpperCase().padStart(4, '0')}]`
}
