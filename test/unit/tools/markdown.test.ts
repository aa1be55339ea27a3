import { expect, test } from 'vitest'
import { code, markdownTable, page } from '../../../tools/docs/markdown.ts'

test('a table has padded columns and escaped cells', () => {
  const table = markdownTable(
    ['Name', 'Is'],
    [
      ['a|b', 'one\n  two'],
      ['longer name', ''],
    ],
  )
  expect(table.split('\n')).toEqual([
    '| Name        | Is      |',
    '| ----------- | ------- |',
    '| a\\|b        | one two |',
    '| longer name |         |',
  ])
})

test('code marks text, but not the lack of it', () => {
  expect(code('a')).toBe('`a`')
  expect(code('')).toBe('')
})

test('a page ends with one line end', () => {
  expect(page('# A', 'b')).toBe('# A\n\nb\n')
})
