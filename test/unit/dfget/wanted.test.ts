import { describe, expect, test } from 'vitest'
import { readWanted } from '../../../dfget/cli/request/wanted.ts'
import { DfgetConfig } from '../../../dfget/config.ts'
import { type FlagValue, loadConfig } from '../../../lib/config/load-config.ts'

const DIGEST = `sha256:${'0'.repeat(64)}`

function wanted(urls: readonly string[], flags: Record<string, FlagValue> = {}) {
  return readWanted(urls, loadConfig('dfget', DfgetConfig, { flags }))
}

test('files are told from what stands for any number of them', () => {
  const [file, artifact] = ['http://h/a', 'oci://registry.example/repository:tag']
  expect(wanted([file])).toMatchObject({ requests: [{ suggestedName: 'a' }], listings: [], several: false })
  expect(wanted([artifact])).toMatchObject({ requests: [], listings: [artifact], several: true })
  expect(wanted([file, artifact])).toMatchObject({ requests: [{}], listings: [artifact], several: true })
  const directories = ['http://h/a/', 's3://bucket/prefix', 'file:///directory']
  expect(wanted(directories, { recursive: true })).toMatchObject({ requests: [], listings: directories, several: true })
})

describe('refused are', () => {
  test.each<[Record<string, FlagValue>, string]>([
    [{ overwrite: true, skipExisting: true }, '--overwrite and --skip-existing contradict each other'],
    [{ overwrite: true, continue: true }, '--overwrite and --continue contradict each other'],
    [{ skipExisting: true, continue: true }, '--skip-existing and --continue contradict each other'],
    [{ range: '0-1', continue: true }, '--range and --continue contradict each other'],
    [{ range: '0-1', digest: DIGEST }, '--range and --digest contradict each other'],
    [{ output: '-', json: true }, '--json and --output - both want standard output'],
    [{ output: '-', continue: true }, '--continue needs a file'],
    [{ range: '5-2' }, '--range 5-2 has no byte in it'],
    [{ range: '-0' }, '--range -0 has no byte in it'],
  ])('%j', (flags, text) => {
    expect(() => wanted(['http://h/a'], flags)).toThrow(text)
    expect(() => wanted(['http://h/a'], flags)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  test.each(['x', '1', '-', '1-2,4-5', 'bytes=1-2'])('%s as a range', range => {
    expect(() => wanted(['http://h/a'], { range })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  test.each<Record<string, FlagValue>>([{ digest: DIGEST }, { range: '0-1' }])('%j of several files', flags => {
    for (const urls of [['http://h/a', 'http://h/b'], ['oci://registry.example/repository:tag']]) {
      expect(() => wanted(urls, flags)).toThrow(/^.*--(digest|range) is that of one file, and several were asked for$/)
    }
  })

  test('several files that would have one name, or none, unless they go to standard output', () => {
    expect(() => wanted(['http://h/1/a', 'http://h/2/a'])).toThrow('would both be written to a')
    expect(() => wanted(['http://h/a', 'http://h/'])).toThrow('ends in no file name')
    expect(wanted(['http://h/1/a', 'http://h/2/a', 'http://h/'], { output: '-' }).requests).toHaveLength(3)
  })
})

test.each(['0-0', '0-499', '500-', '-1'])('%s is a range', range => {
  expect(wanted(['http://h/a'], { range }).several).toBe(false)
})
