import { describe, expect, test } from 'vitest'
import { emptyAccount } from '../../../dfget/peer/task/account.ts'
import { DownloadTotals } from '../../../dfget/progress/download-totals.ts'
import { createProgressDisplay } from '../../../dfget/progress/progress-display.ts'
import { type Progress, progressLine, summaryLine } from '../../../dfget/progress/progress-line.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'

const MIB = 1024 * 1024

function progressOf(fields: Partial<Progress>): Progress {
  const account = { ...emptyAccount(), peerBytes: 24 * MIB, supernodeBytes: 8 * MIB }
  return { name: 'disk.img', doneBytes: 32 * MIB, sizeBytes: 64 * MIB, bytesPerSecond: 8 * MIB, account, ...fields }
}

describe('the line of a running download', () => {
  test('says how far, how fast, how long and how much came from peers', () => {
    expect(progressLine(progressOf({}), 120)).toBe(
      'disk.img  50% [###########-----------]  32.0 MiB of 64.0 MiB  8.0 MiB/s  ETA 4.0 s  peers 75 %',
    )
  })

  test('says what is known when the origin does not tell the size', () => {
    expect(progressLine(progressOf({ sizeBytes: undefined }), 120)).toBe('disk.img 32.0 MiB  8.0 MiB/s  peers 75 %')
  })

  test('promises no end while nothing moves or the rate is not known yet', () => {
    expect(progressLine(progressOf({ bytesPerSecond: 0 }), 120)).not.toContain('ETA')
    expect(progressLine(progressOf({ bytesPerSecond: undefined }), 120)).not.toContain('/s')
  })

  test('leaves blocks from the disk out of the share of peers', () => {
    const account = { ...emptyAccount(), diskBytes: 32 * MIB, peerBytes: MIB }
    expect(progressLine(progressOf({ account }), 120)).toContain('peers 100 %')
    expect(progressLine(progressOf({ account: { ...account, peerBytes: 0 } }), 120)).not.toContain('peers')
  })

  test('fits every terminal, and gives up the bar before the figures', () => {
    const name = 'a-rather-long-name-of-a-file-with-an-ending.img'
    for (let columns = 0; columns <= 200; columns++) {
      expect(progressLine(progressOf({ name }), columns).length).toBeLessThanOrEqual(columns)
    }
    expect(progressLine(progressOf({ name }), 120)).toMatch(/^…[\w.-]*ending\.img /)
    const narrow = progressLine(progressOf({ name }), 70)
    expect(narrow).not.toContain('[')
    expect(narrow).toContain('32.0 MiB of 64.0 MiB  8.0 MiB/s  ETA 4.0 s  peers 75 %')
  })

  test('shows an empty file as done', () => {
    const empty = { doneBytes: 0, sizeBytes: 0, bytesPerSecond: 0, account: emptyAccount() }
    expect(progressLine(progressOf(empty), 120)).toBe('disk.img 100% [######################]  0 B of 0 B  0 B/s')
  })
})

test('the summary names each source with its share', () => {
  const account = { ...emptyAccount(), peerBytes: 60 * MIB, supernodeBytes: 2 * MIB, originBytes: MIB, diskBytes: MIB }
  expect(summaryLine(progressOf({ doneBytes: 64 * MIB, account }), 2000)).toBe(
    'disk.img: 64.0 MiB in 2.0 s (32.0 MiB/s); 94 % from peers, 3 % from the supernode, 2 % from the origin, 2 % from this disk',
  )
  expect(summaryLine(progressOf({ doneBytes: 0, account: emptyAccount() }), 0)).toBe('disk.img: 0 B in 0.0 s')
})

describe('several downloads', () => {
  const part = (fields: Partial<Progress>) => ({ ...progressOf(fields), name: 'part' })

  const totalsOf = (count: number, several = true) => {
    const totals = new DownloadTotals({ several })
    for (let expected = 0; expected < count; expected++) totals.expect()
    return totals
  }

  test('are one: their sum, without a size until all are known and have begun', () => {
    const totals = totalsOf(3)
    expect(totals).toMatchObject({ name: '0 of 3+ files', doneBytes: 0, sizeBytes: undefined })
    const [first, second] = [part({}), part({ doneBytes: MIB, sizeBytes: 2 * MIB })]
    totals.begin(first)
    totals.finish(first)
    totals.begin(second)
    expect(totals).toMatchObject({ name: '1 of 3+ files', doneBytes: 33 * MIB, sizeBytes: undefined })
    totals.skip()
    expect(totals).toMatchObject({ name: '1 of 2+ files', sizeBytes: undefined })
    totals.expectNoMore()
    expect(totals).toMatchObject({ name: '1 of 2 files', sizeBytes: 34 * MIB })
    expect(totals.account).toMatchObject({ peerBytes: 48 * MIB, supernodeBytes: 16 * MIB })
  })

  test('do not count what a download had that begins again', () => {
    const totals = totalsOf(1, false)
    const failed = part({ doneBytes: MIB })
    totals.begin(failed)
    totals.giveUp(failed)
    expect(totals).toMatchObject({ doneBytes: 0 })
  })

  test('have no size when one of them has none', () => {
    const totals = totalsOf(1, false)
    totals.expectNoMore()
    totals.begin(part({ sizeBytes: undefined }))
    expect(totals).toMatchObject({ name: 'part', sizeBytes: undefined })
  })
})

describe('the display', () => {
  function displayOn(stream: { isTTY?: boolean; columns?: number }) {
    const written: string[] = []
    const clock = createManualClock()
    const source = { ...progressOf({}), doneBytes: 0 }
    const write = (text: string) => written.push(text)
    const display = createProgressDisplay({ stream: { ...stream, write }, clock }, source)
    return { written, clock, source, display }
  }

  test('draws one line over and over on a terminal, and leaves the summary', () => {
    const { written, clock, source, display } = displayOn({ isTTY: true, columns: 60 })
    clock.advance(200)
    source.doneBytes = 64 * MIB
    clock.advance(200)
    expect(written).toHaveLength(2)
    expect(written.every(text => text.startsWith('\r\x1b[2K') && text.length <= 59 + 5 && !text.includes('\n'))).toBe(
      true,
    )
    written.length = 0
    display.complete(source, 1000)
    expect(written).toEqual(['\r\x1b[2K', expect.stringMatching(/^disk\.img: 64\.0 MiB in 1\.0 s .*\n$/)])
    clock.advance(200)
    expect(written).toHaveLength(3)
    display.clear()
    clock.advance(1000)
    expect(written).toHaveLength(4)
  })

  test('takes its line off when the download fails', () => {
    const { written, clock, display } = displayOn({ isTTY: true })
    clock.advance(200)
    display.clear()
    display.clear()
    clock.advance(1000)
    expect(written).toHaveLength(2)
    expect(written[1]).toBe('\r\x1b[2K')
  })

  test('says nothing before the end where there is no terminal', () => {
    const { written, clock, source, display } = displayOn({})
    clock.advance(10_000)
    expect(written).toEqual([])
    display.complete(source, 1000)
    expect(written.join('')).toMatch(/^disk\.img: .*\n$/)
  })
})
