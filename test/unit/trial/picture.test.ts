import { describe, expect, test } from 'vitest'
import { progressBar } from '../../../trial/progress/bar.ts'
import { describeProgress, drawPicture } from '../../../trial/progress/picture.ts'
import { type Line, print } from '../../../trial/progress/text.ts'
import { nodeSnapshot, trialSnapshot } from '../../helpers/trial-fixture.ts'

const MIB = 1024 * 1024
const ESCAPE = '\u001b'
const textOf = (line: Line) => print(line, { colour: false })

describe('a bar', () => {
  test.each([
    ['half of it, by who sent how much', {}, '██▓▓····'],
    ['an unequal share', { sources: { peerBytes: 3, supernodeBytes: 0, originBytes: 1 } }, '███▒····'],
    [
      'shares that round up to no more than the whole',
      { sources: { peerBytes: 1, supernodeBytes: 1, originBytes: 1 } },
      '█▓▓▒····',
    ],
    ['all of it', { receivedBytes: 4 * MIB }, '████▓▓▓▓'],
    ['no more than all of it', { receivedBytes: 9 * MIB }, '████▓▓▓▓'],
    ['nothing before the size is known', { imageBytes: 0 }, '········'],
    ['nothing before a sender is known', { sources: { peerBytes: 0, supernodeBytes: 0, originBytes: 0 } }, '········'],
  ])('shows %s', (_, changes, expected) => {
    expect(textOf(progressBar(nodeSnapshot('a', changes), 8))).toBe(expected)
  })
})

describe('the picture', () => {
  test('has a heading, a line for each node and one for the origin', () => {
    const nodes = [
      nodeSnapshot('node 1'),
      nodeSnapshot('node 2', { state: 'verified', receivedBytes: 4 * MIB }),
      nodeSnapshot('node 3', { state: 'failed', sources: { peerBytes: 0, supernodeBytes: 0, originBytes: 0 } }),
    ]
    expect(drawPicture(trialSnapshot(nodes), { columns: 80, rows: 24 }).map(textOf)).toEqual([
      '                                           rate   █ peers  ▓ supernode  ▒ origin',
      '  node 1    ████▓▓▓·······   50 %     1.5 MiB/s      50 %         50 %       0 %',
      '  node 2    ███████▓▓▓▓▓▓▓  100 %     1.5 MiB/s      50 %         50 %       0 %',
      '  node 3    ·············· failed     1.5 MiB/s         –            –         –',
      '  registry  3.0 MiB sent, 0.75 copies of the image, 1.0 MiB/s, after 1.50 s',
    ])
  })

  test.each([20, 40, 60, 80, 120, 300])('fits a terminal of %i columns', columns => {
    const nodes = [nodeSnapshot('node 1'), nodeSnapshot('node 2')]
    const widths = drawPicture(trialSnapshot(nodes), { columns, rows: 24 }).map(line => textOf(line).length)
    expect(widths).toHaveLength(4)
    expect(Math.max(...widths)).toBeLessThanOrEqual(columns)
  })

  test('leaves the shares out where they have no room', () => {
    const [heading = []] = drawPicture(trialSnapshot([nodeSnapshot('node 1')]), { columns: 60, rows: 24 })
    expect(textOf(heading)).toMatch(/rate$/)
  })

  test('leaves the last nodes out where they have no room, and says so', () => {
    const nodes = Array.from({ length: 30 }, (_, index) => nodeSnapshot(`node ${index + 1}`))
    const lines = drawPicture(trialSnapshot(nodes), { columns: 100, rows: 10 }).map(textOf)
    expect(lines.length).toBeLessThan(10)
    expect(lines.at(-2)).toBe('  and 24 more')
    expect(lines.at(-3)).toContain('node 6')
  })

  test('has colour only where colour is allowed, and the same text either way', () => {
    const lines = drawPicture(trialSnapshot([nodeSnapshot('node 1')]), { columns: 100, rows: 24 })
    for (const line of lines) {
      const plain = textOf(line)
      const coloured = print(line, { colour: true })
      expect(plain).not.toContain(ESCAPE)
      expect(coloured).toContain(ESCAPE)
      expect(coloured.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '')).toBe(plain)
    }
  })
})

test('the line for what is no terminal says where the slowest and the fastest node are', () => {
  const nodes = [nodeSnapshot('node 1'), nodeSnapshot('node 2', { state: 'verified', receivedBytes: 4 * MIB })]
  expect(describeProgress(trialSnapshot(nodes))).toBe(
    '1.50 s: nodes at 50 to 100 %, 1 of 2 done, registry sent 3.0 MiB',
  )
})
