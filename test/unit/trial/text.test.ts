import { expect, test } from 'vitest'
import { clip, print, span } from '../../../trial/progress/text.ts'

test('a clipped line keeps the styles of what is left and drops what is not', () => {
  expect(clip([span('abc', 'green'), span('def'), span('ghi')], 4)).toEqual([span('abc', 'green'), span('d')])
})

test('what a terminal would obey is shown as a question mark', () => {
  expect(print([span('a\u001b[2Jb\r\nc', 'red')], { colour: false })).toBe('a?[2Jb??c')
})
