import { describe, expect, test } from 'vitest'
import {
  type ConnectionEntry,
  ConnectionTable,
  type ConnectionTableInit,
  connectionGroup,
  type EvictionReason,
} from '../../../../../lib/http/protection/connection-table.ts'

/** A table whose connections tell when they are ended. */
function start(init: Partial<ConnectionTableInit>) {
  const reasons: EvictionReason[] = []
  const ended: string[] = []
  const table = new ConnectionTable(reason => reasons.push(reason), { max: 100, maxPerAddress: 100, ...init })
  const add = (name: string, address?: string) => table.add({ destroy: () => ended.push(name) as never }, address)
  const mustAdd = (name: string, address?: string): ConnectionEntry => {
    const entry = add(name, address)
    if (entry === undefined) throw new Error(`${name} found no room`)
    return entry
  }
  return { table, reasons, ended, add, mustAdd }
}

describe('a full table', () => {
  test('ends the connection that has waited longest without a request, then the one that is idle for longest', () => {
    const { table, reasons, ended, mustAdd } = start({ max: 4 })
    const [a, b] = [mustAdd('a'), mustAdd('b'), mustAdd('c'), mustAdd('d')]
    for (const entry of [b, a]) {
      table.change(entry, 'busy')
      table.change(entry, 'idle')
    }
    for (const entry of [mustAdd('e'), mustAdd('f')]) table.change(entry, 'busy')
    expect(ended).toEqual(['c', 'd'])
    for (const name of ['g', 'h']) table.change(mustAdd(name), 'busy')
    expect(ended).toEqual(['c', 'd', 'b', 'a'])
    expect(reasons).toEqual(['unused', 'unused', 'idle', 'idle'])
  })

  test('refuses a newcomer where all others are busy', () => {
    const { table, reasons, ended, add, mustAdd } = start({ max: 2 })
    for (const name of ['a', 'b']) table.change(mustAdd(name), 'busy')
    expect(add('c')).toBeUndefined()
    expect([ended, reasons]).toEqual([['c'], ['full']])
    expect(table.counts).toEqual({ new: 0, idle: 0, busy: 2 })
  })

  test('has room again when one has ended', () => {
    const { table, add, mustAdd } = start({ max: 1 })
    const entry = mustAdd('a')
    table.change(entry, 'busy')
    table.remove(entry)
    expect(add('b')).toBeDefined()
    expect(table.counts).toEqual({ new: 1, idle: 0, busy: 0 })
  })
})

test('one address ends its own connections first, and others keep theirs', () => {
  const { table, reasons, ended, add, mustAdd } = start({ maxPerAddress: 2 })
  mustAdd('other', '192.0.2.9')
  mustAdd('a', '192.0.2.7')
  table.change(mustAdd('b', '192.0.2.7'), 'busy')
  table.change(mustAdd('c', '192.0.2.7'), 'busy')
  expect(ended).toEqual(['a'])
  expect(add('d', '192.0.2.7')).toBeUndefined()
  expect(add('machine')).toBeDefined()
  expect(reasons).toEqual(['per-address', 'full'])
})

test.each([
  [undefined, undefined],
  ['127.0.0.1', undefined],
  ['::ffff:127.0.0.1', undefined],
  ['::1', undefined],
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8::7', '2001:db8:0:0::/64'],
])('connections from %s are limited as %s', (remoteAddress, group) => {
  expect(connectionGroup({ remoteAddress })).toBe(group)
})
