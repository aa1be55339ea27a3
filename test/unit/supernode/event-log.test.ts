import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../../lib/clock.ts'
import { createEventLog } from '../../../supernode/control/event-log.ts'
import { captureLog } from '../../helpers/log-capture.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'

const LEAVE = { type: 'disconnect', peer: 'someone' } as unknown as Parameters<
  ReturnType<typeof createEventLog>['record']
>[0]

function eventLogAt(file: string) {
  const log = captureLog()
  return { log, events: createEventLog({ clock: systemClock, logger: log.logger }, file) }
}

test('the event log is for its owner alone', async () => {
  await using scratch = await createScratchDirectory()
  const file = join(scratch.path, 'events')
  const { events } = eventLogAt(file)
  await events.start()
  events.record(LEAVE)
  await events.stop()
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(JSON.parse(await readFile(file, 'utf8')).event).toEqual(LEAVE)
})

test('an event log behind a symbolic link is refused, and what it leads to stays as it is', async () => {
  await using scratch = await createScratchDirectory()
  await writeFile(join(scratch.path, 'target'), 'precious')
  await symlink('target', join(scratch.path, 'events'))
  const { events } = eventLogAt(join(scratch.path, 'events'))
  await expect(events.start()).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    detail: expect.stringMatching(/^eventLog: .*is a symbolic link; name the file itself$/),
  })
  expect(await readFile(join(scratch.path, 'target'), 'utf8')).toBe('precious')
})

test('an event log that cannot be opened is said in one line', async () => {
  await using scratch = await createScratchDirectory()
  await mkdir(join(scratch.path, 'directory'))
  await chmod(join(scratch.path, 'directory'), 0o700)
  const { events } = eventLogAt(join(scratch.path, 'directory'))
  await expect(events.start()).rejects.toThrow(/eventLog: .* cannot be opened: EISDIR/)
})

test('a disk that is full when the event log is written or closed is a warning', async () => {
  // Every write to it fails with ENOSPC.
  const { log, events } = eventLogAt('/dev/full')
  await events.start()
  events.record(LEAVE)
  await events.stop()
  expect(log.text()).toMatch(/ENOSPC.*event log not written/)
})
