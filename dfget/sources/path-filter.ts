import { braceExpand, Minimatch, type MinimatchOptions } from 'minimatch'
import { DamselflyError } from '../../protocol/errors.ts'

/** Which files of a listing are wanted. */
export interface PathPatterns {
  /** A file must match one of these; all files do when there are none. */
  readonly include?: readonly string[] | undefined
  /** A file must match none of these. */
  readonly exclude?: readonly string[] | undefined
}

/** Tells by their paths, relative to where the listing began, which files are wanted. */
export interface PathFilter {
  accepts(path: string): boolean
  /** Whether a directory, without a slash at its end, may hold a file that is accepted. */
  mayHold(directory: string): boolean
}

interface Pattern {
  matches(path: string): boolean
  /** Whether what lies below a directory may match. */
  mayMatchBelow(directory: string): boolean
  /** Whether all that lies below a directory matches. */
  coversAllBelow(directory: string): boolean
}

/** As a shell has them, except that `*` takes in names that begin with a dot, and that a name with `(`, `!` or `#` is just that. */
const GLOB: MinimatchOptions = { dot: true, noext: true, nonegate: true, nocomment: true, platform: 'linux' }
const PATTERN_LENGTH_MAX = 4096
/** Patterns that the braces of one may stand for. A dozen of braces beside each other stand for thousands, each to be matched by itself. */
const ALTERNATIVES_MAX = 1_000
/** Signs that are looked at, at most, to see where the brackets of all these end: each that does not end costs a look at all the rest. */
const BRACKET_SIGNS_MAX = 250_000

/**
 * A filter of glob patterns: `*`, `?`, `[a-z]`, `{a,b}`, and `**` for any directories. A pattern without a slash is one for the last name
 * of a path, wherever the file lies; one with a slash is for the whole path; a slash at its end means all that lies below.
 * @throws DamselflyError REQUEST_INVALID for a pattern that is empty, too long, has more than one line, braces for over a thousand others or
 * too many brackets
 */
export function createPathFilter({ include = [], exclude = [] }: PathPatterns): PathFilter {
  const [wanted, unwanted] = [include.map(readPattern), exclude.map(readPattern)]
  return {
    accepts: path =>
      (wanted.length === 0 || wanted.some(pattern => pattern.matches(path))) &&
      !unwanted.some(pattern => pattern.matches(path)),
    mayHold: directory =>
      (wanted.length === 0 || wanted.some(pattern => pattern.mayMatchBelow(directory))) &&
      !unwanted.some(pattern => pattern.coversAllBelow(directory)),
  }
}

function readPattern(text: string): Pattern {
  if (text.length > PATTERN_LENGTH_MAX || /^[./]*$|[\0\r\n]/.test(text)) {
    throw new DamselflyError(
      'REQUEST_INVALID',
      `"${text.slice(0, 40)}" is no pattern for files; write for example '*.bin' or 'docs/**'`,
    )
  }
  checkCost(text)
  if (!text.includes('/')) {
    const glob = new Minimatch(text, GLOB)
    return {
      matches: path => glob.match(path.slice(path.lastIndexOf('/') + 1)),
      mayMatchBelow: () => true,
      // Only the two that match any name.
      coversAllBelow: () => /^\*+$/.test(text),
    }
  }
  const anchored = text.replace(/^(\.?\/)+/, '').replace(/\/+$/, '/**')
  const glob = new Minimatch(anchored, GLOB)
  const prefix = new Minimatch(anchored, { ...GLOB, partial: true })
  const isAboutAllBelow = anchored.endsWith('**') && /(^|\/)\*\*$/.test(anchored)
  return {
    matches: path => glob.match(path),
    mayMatchBelow: directory => prefix.match(directory),
    // `**` takes in at least one name, so it is the part before it that matches the directory, or one above.
    coversAllBelow: directory => isAboutAllBelow && glob.match(`${directory}/any`),
  }
}

/** @throws DamselflyError REQUEST_INVALID for what takes too long to read */
function checkCost(text: string): void {
  const alternatives = braceExpand(text, { ...GLOB, braceExpandMax: ALTERNATIVES_MAX + 1 })
  if (alternatives.length > ALTERNATIVES_MAX) {
    const stands = `"${text.slice(0, 40)}" stands for over ${ALTERNATIVES_MAX} patterns`
    throw new DamselflyError('REQUEST_INVALID', `${stands}; write fewer {…,…} in it, or several patterns`)
  }
  const signs = alternatives.reduce((sum, pattern) => sum + (pattern.split('[').length - 1) * pattern.length, 0)
  if (signs > BRACKET_SIGNS_MAX) {
    throw new DamselflyError('REQUEST_INVALID', `"${text.slice(0, 40)}" has too many brackets; write fewer […] in it`)
  }
}
