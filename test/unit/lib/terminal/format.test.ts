import { describe, expect, test } from 'vitest'
import { formatBytes, formatDuration, formatElapsed, formatShare, printable } from '../../../../lib/terminal/format.ts'

const MIB = 1024 * 1024

describe('figures for people', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [1536 * MIB, '1.5 GiB'],
    [2 ** 53, '8.0 PiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  test.each([
    [0, '0.0 s'],
    [9_940, '9.9 s'],
    [9_960, '10 s'],
    [59_600, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [7_620_000, '2 h 07 min'],
  ])('%d ms are %s', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text))

  test.each([
    [0, 10, '0 %'],
    [0, 0, '0 %'],
    [1, 1000, '1 %'],
    [999, 1000, '99 %'],
    [10, 10, '100 %'],
  ])('%d of %d are %s', (part, whole, text) => expect(formatShare(part, whole)).toBe(text))

  test('nothing of a name moves the cursor', () => {
    expect(printable('a\x1b[2Jb\r\n\u009bc\u202ed')).toBe('a?[2Jb???c?d')
  })

  test.each([
    [0, '0.00 s'],
    [3_214, '3.21 s'],
    [42_000, '42.0 s'],
    [125_900, '2 min 5 s'],
  ])('%d ms elapsed are %s', (milliseconds, text) => expect(formatElapsed(milliseconds)).toBe(text))
})
