import { describe, expect, test } from 'vitest'
import { createPathFilter } from '../../../../dfget/sources/path-filter.ts'

describe('a pattern', () => {
  test.each([
    ['*.bin', 'a.bin', true],
    ['*.bin', 'deep/down/a.bin', true],
    ['*.bin', '.hidden.bin', true],
    ['*.bin', 'a.bin.txt', false],
    ['*', 'deep/.hidden', true],
    ['docs', 'docs', true],
    ['docs', 'docs/a.md', false],
    ['docs/*', 'docs/a.md', true],
    ['docs/*', 'docs/deep/a.md', false],
    ['docs/*', 'more/docs/a.md', false],
    ['docs/**', 'docs/deep/.a.md', true],
    ['docs/**', 'docs', false],
    ['docs/', 'docs/deep/a.md', true],
    ['**/docs/**', 'more/docs/a.md', true],
    ['**/*.md', 'a.md', true],
    ['**', 'a/b', true],
    ['/*.md', 'a.md', true],
    ['/*.md', 'docs/a.md', false],
    ['./docs/*', 'docs/a.md', true],
    ['model-0000[1-3]-of-*.safetensors', 'model-00002-of-00005.safetensors', true],
    ['[!a]*', 'b', true],
    ['[!a]*', 'a', false],
    ['?.txt', 'ü.txt', true],
    ['*.{md,txt}', 'a.txt', true],
    ['part{01..03}.bin', 'part02.bin', true],
    ['copy (1).txt', 'copy (1).txt', true],
    ['*(1).txt', 'copy (1).txt', true],
    ['!a', '!a', true],
    ['!a', 'b', false],
    ['#a', '#a', true],
    ['A.txt', 'a.txt', false],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
  ])('%s takes %s: %s', (pattern, path, expected) => {
    expect(createPathFilter({ include: [pattern] }).accepts(path)).toBe(expected)
    expect(createPathFilter({ exclude: [pattern] }).accepts(path)).toBe(!expected)
  })

  test.each([
    [''],
    ['/'],
    ['./'],
    ['.'],
    ['..'],
    ['a\nb'],
    ['a\0'],
    ['a'.repeat(5000)],
    ['{a,b}'.repeat(13)],
    ['{a,b}'.repeat(7) + 'a['.repeat(60)],
  ])('%j is refused', pattern => {
    const refusal = expect.objectContaining({ code: 'REQUEST_INVALID' })
    expect(() => createPathFilter({ include: [pattern] })).toThrow(refusal)
    expect(() => createPathFilter({ exclude: ['*.ok', pattern] })).toThrow(refusal)
  })
})

describe('several patterns', () => {
  test('accept everything when there are none', () => {
    expect(createPathFilter({}).accepts('any/thing')).toBe(true)
    expect(createPathFilter({ include: [], exclude: [] }).accepts('any/thing')).toBe(true)
  })

  test('accept what one of them includes and none excludes', () => {
    const { accepts } = createPathFilter({ include: ['*.bin', 'docs/**'], exclude: ['docs/old/**', '*.tmp.bin'] })
    const paths = ['a.bin', 'docs/a.md', 'docs/old/a.bin', 'x/a.tmp.bin', 'x/a.md']
    expect(paths.filter(accepts)).toEqual(['a.bin', 'docs/a.md'])
  })
})

describe('a directory', () => {
  test.each([
    [{}, 'a', true],
    [{ include: ['*.bin'] }, 'a', true],
    [{ include: ['docs/**'] }, 'docs', true],
    [{ include: ['docs/**'] }, 'docs/deep', true],
    [{ include: ['docs/**'] }, 'src', false],
    [{ include: ['docs/*.md'] }, 'docs', true],
    [{ include: ['docs/*.md'] }, 'docs/deep', false],
    [{ include: ['a/b/c.txt'] }, 'a/b', true],
    [{ include: ['**/c.txt'] }, 'a/b', true],
    [{ include: ['/*.md'] }, 'docs', false],
    [{ exclude: ['docs/**'] }, 'docs', false],
    [{ exclude: ['docs/'] }, 'docs/deep', false],
    [{ exclude: ['docs/**'] }, 'doc', true],
    [{ exclude: ['docs/*'] }, 'docs', true],
    [{ exclude: ['**/tmp/**'] }, 'a/tmp', false],
    [{ exclude: ['docs/x**'] }, 'docs', true],
    [{ exclude: ['*.bin'] }, 'a.bin', true],
    [{ exclude: ['*'] }, 'a', false],
    [{ exclude: ['**'] }, 'a', false],
  ])('may with %j hold a wanted file, %s: %s', (patterns, directory, expected) => {
    expect(createPathFilter(patterns).mayHold(directory)).toBe(expected)
  })
})
