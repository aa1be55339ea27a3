import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../protocol/digest.ts'
import {
  digestOfTask,
  isTaskId,
  normaliseUrl,
  parseTaskId,
  taskIdOfDigest,
  taskIdOfUrl,
} from '../../../protocol/task.ts'

const DIGEST = digestOf(Uint8Array.of(1))
const URL_TASK = `url:${'0123456789abcdef'.repeat(4)}`

describe('task ids', () => {
  it('of a digest are the digest', () => {
    expect(taskIdOfDigest(DIGEST)).toBe(DIGEST)
    expect(digestOfTask(taskIdOfDigest(DIGEST))).toBe(DIGEST)
  })

  it('of a URL are the same for one spelling of it and differ by validator and tag', () => {
    const id = taskIdOfUrl({ url: 'HTTPS://user:secret@Example.com:443/a/../b#top' })
    expect(id).toMatch(/^url:[a-f0-9]{64}$/)
    expect(taskIdOfUrl({ url: 'https://example.com/b', validator: undefined, tag: '' })).toBe(id)
    expect(digestOfTask(id)).toBeUndefined()
    const url = 'https://example.com/b'
    const ids = [
      { url },
      { url, validator: 'x' },
      { url, tag: 'x' },
      { url, validator: 'x', tag: 'x' },
      { url, application: 'x' },
      { url: `${url}?x` },
      { url: 'http://example.com/b' },
    ].map(taskIdOfUrl)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('of a URL are the same whatever the filtered parameters say', () => {
    const url = 'https://example.com/b'
    const filter = ['sig', 'expires']
    const id = taskIdOfUrl({ url: `${url}?v=1&sig=a&expires=2`, filter })
    expect(taskIdOfUrl({ url: `${url}?expires=3&v=1&sig=b%20c`, filter: ['expires', 'sig', 'other'] })).toBe(id)
    expect(taskIdOfUrl({ url: `${url}?v=2&sig=a&expires=2`, filter })).not.toBe(id)
    expect(taskIdOfUrl({ url: `${url}?v=1`, filter })).toBe(taskIdOfUrl({ url: `${url}?v=1` }))
  })

  it('of a URL do not let one who filters more stand in for one who does not', () => {
    const url = 'https://example.com/b'
    const honest = taskIdOfUrl({ url, validator: 'x' })
    expect(taskIdOfUrl({ url: `${url}?file=other`, validator: 'x', filter: ['file'] })).not.toBe(honest)
    expect(taskIdOfUrl({ url: `${url}?sig=1&file=other`, validator: 'x', filter: ['file', 'sig'] })).not.toBe(
      taskIdOfUrl({ url: `${url}?sig=1`, validator: 'x', filter: ['sig'] }),
    )
  })

  it('do not confuse the end of one part with the start of the next', () => {
    const url = 'https://example.com/'
    expect(taskIdOfUrl({ url, validator: 'ab', tag: 'c' })).not.toBe(taskIdOfUrl({ url, validator: 'a', tag: 'bc' }))
    expect(taskIdOfUrl({ url, validator: '","', tag: '' })).not.toBe(taskIdOfUrl({ url, validator: '', tag: '","' }))
  })

  it('are read back', () => {
    expect(parseTaskId(DIGEST)).toBe(DIGEST)
    expect(parseTaskId(URL_TASK)).toBe(URL_TASK)
  })

  it.each([
    '',
    'url:',
    `${URL_TASK}0`,
    `${URL_TASK}\n`,
    URL_TASK.toUpperCase(),
    URL_TASK.replace('0', 'g'),
    '../x',
    `url:${'../'.repeat(21)}x`,
    `${DIGEST}/`,
    `md5:${'a'.repeat(32)}`,
  ])('%j is none', text => {
    expect(isTaskId(text)).toBe(false)
    expect(() => parseTaskId(text)).toThrow(expect.objectContaining({ code: 'TASK_UNKNOWN' }))
  })
})

describe('normaliseUrl', () => {
  it.each([
    ['https://EXAMPLE.com', 'https://example.com/'],
    ['http://example.com:80/a%20b?q=1#f', 'http://example.com/a%20b?q=1'],
    ['https://u:p@example.com/x', 'https://example.com/x'],
    ['http://[::1]:8080/', 'http://[::1]:8080/'],
    ['s3://bucket/a b?c#d', 's3://bucket/a b?c#d'],
    ['file:///a/../b', 'file:///b'],
  ])('%s becomes %s', (text, expected) => {
    expect(normaliseUrl(text)).toBe(expected)
    expect(normaliseUrl(expected)).toBe(expected)
  })

  it.each(['', 'example.com/x', '/x', 'http://', 'ftp://example.com/x', 'data:,x', 'javascript:x'])(
    'refuses %j',
    text => {
      expect(() => normaliseUrl(text)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
    },
  )
})
