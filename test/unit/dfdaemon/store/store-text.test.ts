import { describe, expect, test } from 'vitest'
import { findTask } from '../../../../dfdaemon/store/find-task.ts'
import { storeText } from '../../../../dfdaemon/store/store-text.ts'
import type { StoreStatus } from '../../../../protocol/messages/daemon-api.ts'
import { parseTaskId } from '../../../../protocol/task.ts'

const MIB = 1024 ** 2
const NOW = Date.UTC(2026, 0, 1)

function task(digits: string, fields: Partial<StoreStatus['tasks'][number]> = {}): StoreStatus['tasks'][number] {
  const id = parseTaskId(`sha256:${digits.padEnd(64, '0')}`)
  return { id, sizeBytes: 4 * MIB, storedBytes: 4 * MIB, complete: true, pinned: false, usedAt: NOW - 5_000, ...fields }
}

const SPACE = { tasks: 0, storedBytes: 0, claimedBytes: 0, pinnedBytes: 0, capacityBytes: null }

describe('what is stored, for people', () => {
  test('stands in a table, what was used last first', () => {
    const old = task('ab', { usedAt: NOW - 7_200_000, pinned: true })
    const part = task('cd', { complete: false, storedBytes: MIB })
    const endless = task('ef', { complete: false, sizeBytes: null, usedAt: NOW - 6_000 })
    const space = {
      tasks: 3,
      storedBytes: 9 * MIB,
      claimedBytes: 12 * MIB,
      pinnedBytes: 4 * MIB,
      capacityBytes: 20 * MIB,
    }
    expect(storeText({ tasks: [old, endless, part], space }, NOW).split('\n')).toEqual([
      `TASK${' '.repeat(67)}    STORED                     LAST USED`,
      `${part.id}   1.0 MiB   25 % of it        5.0 s ago`,
      `${endless.id}   4.0 MiB         part        6.0 s ago`,
      `${old.id}   4.0 MiB     complete   2 h 00 min ago   pinned`,
      '',
      '3 tasks, 9.0 MiB stored, 3.0 MiB on the way, 4.0 MiB pinned, room for 8.0 MiB more',
      '',
    ])
  })

  test('is one line when there is nothing', () => {
    expect(storeText({ tasks: [], space: SPACE }, NOW)).toBe('0 tasks, 0 B stored, no limit\n')
  })
})

describe('the task that is meant', () => {
  const tasks = [task('ab12'), task('ab34'), task('cd')]

  test.for(['cd', 'sha256:cd', tasks[2]?.id ?? ''])('is found by %s', text => {
    expect(findTask({ tasks }, text)).toBe(tasks[2]?.id)
  })

  test.for(['ef', '', 'SHA256:cd'])('is not found by "%s"', text => {
    expect(() => findTask({ tasks }, text)).toThrow(
      expect.objectContaining({ code: 'TASK_UNKNOWN', message: expect.stringContaining('dfdaemon store ls') }),
    )
  })

  test('is not guessed among several', () => {
    expect(() => findTask({ tasks }, 'ab')).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining('2 stored tasks') }),
    )
  })
})
