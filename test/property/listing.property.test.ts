import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WebDirectory } from '../../dfget/sources/http/index-link.ts'
import { createPathFilter } from '../../dfget/sources/path-filter.ts'
import { isSafePath } from '../../dfget/sources/safe-path.ts'

const START = new WebDirectory(new URL('https://example.com/pub/'))

/** Pieces of which hostile links are made. */
const hrefPiece = fc.constantFrom(
  ...[
    '/',
    '//',
    '\\',
    '.',
    '..',
    '%2e',
    '%2E%2e',
    '%2f',
    '%5c',
    '%00',
    '%0a',
    '%252e',
    '%',
    '%ff',
    '?',
    '#',
    ':',
    '@',
    '\t',
    '\0',
  ],
  ...['a', 'ü', ' ', 'pub', '/pub/', 'https://example.com', '\ud800', '%ed%a0%80'],
)
const href = fc.oneof(
  fc.array(hrefPiece, { maxLength: 12 }).map(pieces => pieces.join('')),
  fc.string({ unit: 'binary' }),
)

describe('a link', () => {
  test('never leads out of the directory, whatever it is', () => {
    fc.assert(
      fc.property(href, href, (link, page) => {
        const here = START.linkBelow(page, START, START.url)
        const base = new URL(here?.url ?? START.url.href)
        const found = START.linkBelow(link, new WebDirectory(base), base)
        if (found === undefined) return
        expect(isSafePath(found.path)).toBe(true)
        expect(resolve('/output', found.path).startsWith('/output/')).toBe(true)
        const url = new URL(found.url)
        expect([url.origin, url.hash, url.username, url.password]).toEqual(['https://example.com', '', '', ''])
        // What is asked for later is what was looked at now.
        expect(START.linkBelow(found.url, START, START.url)).toEqual(found)
      }),
      { numRuns: 3000 },
    )
  })

  test('of a file leads to its name, as servers encode it', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter(text => text.isWellFormed() && isSafePath(text) && !text.includes('/'))
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), names => {
        const link = START.linkBelow(`./${names.map(encodeURIComponent).join('/')}`, START, START.url)
        expect(link?.path).toBe(names.join('/'))
      }),
    )
  })
})

const name = fc.constantFrom('a', 'b', '.c', 'a.bin')
const pathOfNames = fc.array(name, { minLength: 1, maxLength: 5 }).map(names => names.join('/'))
const pattern = fc
  .array(fc.constantFrom('a', 'b', '.c', '*', '**', '?', '*.bin', '{a,b}', '[ab]', 'a*'), {
    minLength: 1,
    maxLength: 4,
  })
  .chain(names => fc.constantFrom(names.join('/'), `/${names.join('/')}`, `${names.join('/')}/`))
const patterns = fc.record({
  include: fc.array(pattern, { maxLength: 3 }),
  exclude: fc.array(pattern, { maxLength: 3 }),
})

describe('a filter', () => {
  test('never passes over a directory that holds a wanted file', () => {
    fc.assert(
      fc.property(patterns, pathOfNames, (given, path) => {
        const filter = createPathFilter(given)
        fc.pre(filter.accepts(path))
        const names = path.split('/')
        for (let depth = 1; depth < names.length; depth++) {
          expect(filter.mayHold(names.slice(0, depth).join('/')), names.slice(0, depth).join('/')).toBe(true)
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('is the inclusion without the exclusion, whatever the order of the patterns', () => {
    fc.assert(
      fc.property(patterns, pathOfNames, ({ include, exclude }, path) => {
        const accepted = createPathFilter({ include, exclude }).accepts(path)
        const included = include.length === 0 || include.some(one => createPathFilter({ include: [one] }).accepts(path))
        const excluded = exclude.some(one => createPathFilter({ include: [one] }).accepts(path))
        expect(accepted).toBe(included && !excluded)
        const reversed = { include: include.toReversed(), exclude: exclude.toReversed() }
        expect(createPathFilter(reversed).accepts(path)).toBe(accepted)
      }),
    )
  })
})
