import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unifiedDiff } from '../../../../dfdaemon/node/install/unified-diff.ts'

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`)

describe('unifiedDiff', () => {
  it('says nothing of texts that are the same', () => {
    expect(unifiedDiff('/f', 'a\n', 'a\n')).toBe('')
    expect(unifiedDiff('/f', undefined, undefined)).toBe('')
  })

  it('shows new and removed files', () => {
    expect(unifiedDiff('/f', undefined, 'a\nb\n')).toBe('--- /dev/null\n+++ /f\n@@ -0,0 +1,2 @@\n+a\n+b\n')
    expect(unifiedDiff('/f', 'a', undefined)).toBe(
      '--- /f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n\\ No newline at end of file\n',
    )
  })

  it('shows three lines around each change and leaves out the rest', () => {
    const before = numbers(1, 20)
    const after = [...numbers(1, 4), 'new\n', ...numbers(5, 17), 'other\n', ...numbers(19, 20)]
    expect(unifiedDiff('/f', before.join(''), after.join(''))).toBe(
      '--- /f\n+++ /f\n@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+new\n 5\n 6\n 7\n@@ -15,6 +16,6 @@\n 15\n 16\n 17\n-18\n+other\n 19\n 20\n',
    )
  })

  it('turns the old text into the new one, whatever they are', () => {
    const line = fc.constantFrom('a\n', 'b\n', 'c\n', '\n', '-x\n', '@@\n')
    const text = fc
      .tuple(fc.array(line, { maxLength: 25 }), fc.constantFrom('', 'end'))
      .map(([lines, end]) => lines.join('') + end)
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = unifiedDiff('/f', before, after)
        expect(applied(diff, before)).toBe(after)
      }),
      { numRuns: 500 },
    )
  })
})

/** What `patch` makes of a text, with every context line checked. */
function applied(diff: string, before: string): string {
  const old = before.match(/[^\n]*\n|[^\n]+$/g) ?? []
  const result: string[] = []
  let position = 0
  const body = diff.replaceAll(/\n\\ No newline at end of file\n/g, '¶').match(/[^\n¶]*[\n¶]/g) ?? []
  for (const row of body.slice(2)) {
    const [, start, count] = /^@@ -(\d+),(\d+) \+\d+,\d+ @@\n$/.exec(row) ?? []
    if (start !== undefined) {
      const target = Number(start) - (count === '0' ? 0 : 1)
      result.push(...old.slice(position, target))
      position = target
      continue
    }
    const text = row.slice(1).replace('¶', '')
    if (row[0] !== '+') {
      expect(old[position]).toBe(text)
      position += 1
    }
    if (row[0] !== '-') result.push(text)
  }
  return [...result, ...old.slice(position)].join('')
}
