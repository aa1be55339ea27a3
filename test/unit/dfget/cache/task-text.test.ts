import { expect, test } from 'vitest'
import { taskText } from '../../../../dfget/cli/cache/task-text.ts'
import type { LocatedTask } from '../../../../protocol/messages/task-api.ts'
import type { TaskId } from '../../../../protocol/task.ts'

const MIB = 1024 * 1024
const ID = `sha256:${'a'.repeat(64)}` as TaskId

const TASK: LocatedTask = {
  id: ID,
  state: 'complete',
  sizeBytes: 10 * MIB,
  blockSizeBytes: 256 * 1024,
  storedBytes: 10 * MIB,
  peers: 2,
  small: false,
  imported: true,
  pinned: true,
  replicas: { wanted: 2, kept: 1, underWay: 1 },
  holders: [
    { id: 'short', labels: {}, blocks: 1, storedBytes: 256 * 1024, replica: 'none' },
    { id: 'halfway', labels: { zone: 'b\x1b[2J' }, blocks: 20, storedBytes: 5 * MIB, replica: 'asked' },
    { id: 'whole', labels: { zone: 'a' }, blocks: 40, storedBytes: 10 * MIB, replica: 'kept' },
  ],
}

test('a task for people', () => {
  expect(taskText(TASK)).toBe(
    [
      ID,
      '10.0 MiB in 40 blocks of up to 256.0 KiB',
      'at the supernode: complete, imported, pinned',
      'replicas: 1 of 2, 1 on its way',
      '',
      'PEER       ZONE   BLOCKS      STORED',
      'whole         a       40    10.0 MiB   100 %               replica',
      'halfway   b?[2J       20     5.0 MiB    50 %   replica, on its way',
      'short         -        1   256.0 KiB     3 %',
      '',
    ].join('\n'),
  )
})

test.each<[Partial<LocatedTask>, string]>([
  [{ sizeBytes: null, state: 'reading', storedBytes: MIB }, 'of unknown length, in blocks of 256.0 KiB'],
  [
    { state: 'failed', storedBytes: 5 * MIB },
    'at the supernode: in part, since its origin broke off (50 %), imported, pinned',
  ],
  [{ state: 'idle', storedBytes: 0, imported: false, pinned: false }, 'at the supernode: in part (0 %)'],
  [{ small: true, sizeBytes: 7, holders: [] }, '7 B, given in one piece by the supernode'],
  [{ sizeBytes: 7 }, '7 B in 1 block of up to 256.0 KiB'],
  [{ holders: [] }, 'no peer has any of it'],
])('%j has the line %j', (given, line) => {
  expect(taskText({ ...TASK, ...given }).split('\n')).toContain(line)
})

test('what was not imported has no replicas', () => {
  expect(taskText({ ...TASK, imported: false })).not.toContain('replicas:')
})
