import { describe, expect, test } from 'vitest'
import { commonHeaders, PRESIGNED_PARAMETERS, sourceOptions } from '../../../dfget/cli/request/source-options.ts'
import { taskIdOfSource } from '../../../lib/origin/origin.ts'

const of = (more: Partial<Parameters<typeof sourceOptions>[0]> = {}) => sourceOptions({ header: [], ...more })
const taskOf = (url: string, more: Parameters<typeof of>[0] = {}) =>
  taskIdOfSource({ url, headers: {}, ...of(more) }, '"v"')

describe('the identity', () => {
  test('has the tag and the application that were given, and empty ones are none', () => {
    expect(of({ tag: 'one', application: 'two' }).identity).toMatchObject({ tag: 'one', application: 'two' })
    expect(of({ tag: '', application: '' })).toEqual(of())
  })

  test('leaves out names to filter, and those of presigned URLs', () => {
    expect(of({ filter: ['a&b', 'b', '&c&'] }).identity?.filter).toEqual([...PRESIGNED_PARAMETERS, 'a', 'b', 'c'])
    const signed = (key: string) =>
      ['X-Amz-Signature', 'X-Amz-Security-Token', 'X-Goog-Signature', 'Signature', 'Expires', 'OSSAccessKeyId']
        .map(name => `${name}=${key}`)
        .join('&')
    expect(taskOf(`http://h/a?v=1&${signed('one')}`)).toBe(taskOf(`http://h/a?v=1&${signed('two')}`))
    expect(taskOf(`http://h/a?v=1&${signed('one')}`)).not.toBe(taskOf(`http://h/a?v=2&${signed('one')}`))
    expect(taskOf('http://h/a?v=1')).not.toBe(taskOf('http://h/a?v=2'))
    expect(taskOf('http://h/a?v=1', { filter: ['v'] })).toBe(taskOf('http://h/a?v=2', { filter: ['v'] }))
  })

  test('knows the names in their own spelling only', () => {
    expect(taskOf('http://h/a?signature=1')).not.toBe(taskOf('http://h/a?signature=2'))
  })

  test('has no more names than a supernode takes', () => {
    const filter = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`)
    const room = 64 - PRESIGNED_PARAMETERS.length
    expect(of({ filter: filter(room) }).identity?.filter).toHaveLength(64)
    expect(() => of({ filter: filter(room + 1) })).toThrow('more than 64 names to --filter')
  })
})

test('a block size is a power of two', () => {
  expect(of({ blockSize: 512 * 1024 })).toMatchObject({ blockSizeBytes: 512 * 1024 })
  expect(of()).not.toHaveProperty('blockSizeBytes')
  expect(() => of({ blockSize: 700_000 })).toThrow(/--block-size is a power of two from \d+KiB to \d+MiB, not 700000/)
})

test('only what must not read the origin says so', () => {
  expect(of({ disableBackToSource: true })).toMatchObject({ swarmOnly: true })
  expect(of({ disableBackToSource: false })).not.toHaveProperty('swarmOnly')
})

test('a header says more than a setting', () => {
  expect(commonHeaders({ header: ['X-One: 1'], userAgent: 'agent/1' })).toEqual({
    'user-agent': 'agent/1',
    'x-one': '1',
  })
  expect(commonHeaders({ header: ['User-Agent: other'], userAgent: 'agent/1' })).toEqual({ 'user-agent': 'other' })
})
