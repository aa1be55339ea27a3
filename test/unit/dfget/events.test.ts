import { expect, test } from 'vitest'
import { createEventTeller, eventBytes, progressEvent } from '../../../dfget/cli/events.ts'
import { because, emptyAccount } from '../../../dfget/peer/task/account.ts'

function collector() {
  const written: string[] = []
  return { written, stdout: { write: (text: string) => written.push(text) } }
}

test('events are lines of JSON, whatever is in them, or nothing', () => {
  const { written, stdout } = collector()
  const event = { event: 'skipped', url: 'http://h/"a"\n\u2028' } as const
  createEventTeller(stdout, false)(event)
  expect(written).toEqual([])
  createEventTeller(stdout, true)(event)
  createEventTeller(stdout, true)({ event: 'begin', url: 'http://h/a', output: '-' })
  expect(written.map(line => JSON.parse(line))).toEqual([event, { event: 'begin', url: 'http://h/a', output: '-' }])
  expect(written.every(line => /^[^\n]+\n$/.test(line))).toBe(true)
})

test('progress says where bytes came from, without reasons, and null for a length that nobody knows', () => {
  const account = { ...emptyAccount(), peerBytes: 1, supernodeBytes: 2, originBytes: 3, diskBytes: 4 }
  because(account, { why: 'no-supernode' })
  const bytes = { peerBytes: 1, supernodeBytes: 2, originBytes: 3, diskBytes: 4 }
  expect(eventBytes(account)).toEqual(bytes)
  const source = { name: 'a', doneBytes: 10, sizeBytes: undefined, account }
  const told = { event: 'progress', url: 'http://h/a', doneBytes: 10, ...bytes }
  expect(progressEvent('http://h/a', source)).toEqual({ ...told, sizeBytes: null })
  expect(progressEvent('http://h/a', { ...source, sizeBytes: 0 })).toEqual({ ...told, sizeBytes: 0 })
})
