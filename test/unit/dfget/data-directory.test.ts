import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clearDataDirectory, type DataDirectory, dataDirectories } from '../../../dfget/data-directory.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'

const URL_A = 'http://host/a'

function firstPath(url: string, environment: Parameters<typeof dataDirectories>[2]) {
  return dataDirectories(undefined, [url], environment)[0]?.path
}

test('a directory that the user named is the only one, and kept', () => {
  expect(dataDirectories('/data', [URL_A])).toEqual([{ path: '/data', kept: 'always' }])
})

test('by default each URL has its own in the cache, and a temporary one to fall back on', () => {
  const directories = dataDirectories(undefined, [URL_A], { XDG_CACHE_HOME: '/cache', HOME: '/root' })
  expect(directories.map(({ kept }) => kept)).toEqual(['incomplete', 'never'])
  expect(directories[0]?.path).toMatch(/^\/cache\/damselfly\/dfget\/[0-9a-f]{32}$/)
  expect(firstPath(URL_A, { XDG_CACHE_HOME: '/cache' })).toBe(directories[0]?.path)
  expect(firstPath('http://host/b', { XDG_CACHE_HOME: '/cache' })).not.toBe(directories[0]?.path)
  expect(firstPath(URL_A, { XDG_CACHE_HOME: 'relative', HOME: '/me' })).toMatch(/^\/me\/\.cache\/damselfly\/dfget\//)
  expect(dataDirectories(undefined, [URL_A])[1]?.path).not.toBe(dataDirectories(undefined, [URL_A])[1]?.path)
})

test.each<[DataDirectory['kept'], boolean, number, boolean]>([
  ['always', true, 5, true],
  ['always', false, 0, true],
  ['incomplete', false, 5, true],
  ['incomplete', true, 5, false],
  ['incomplete', false, 0, false],
  ['never', false, 5, false],
])(
  'a directory that is kept "%s", complete %s, with %d bytes, stays: %s',
  async (kept, complete, storedBytes, stays) => {
    await using scratch = await createScratchDirectory()
    const path = join(scratch.path, 'data')
    await mkdir(join(path, 'blocks'), { recursive: true })
    await clearDataDirectory({ path, kept }, { complete, storedBytes })
    const found = await stat(path).catch(() => undefined)
    expect(found !== undefined).toBe(stays)
  },
)
