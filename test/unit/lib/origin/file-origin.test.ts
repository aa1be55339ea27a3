import { execFileSync } from 'node:child_process'
import { mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileOrigin } from '../../../../lib/origin/file-origin.ts'
import { parseFileUrl } from '../../../../lib/origin/file-url.ts'
import { patternBytes, readAll } from '../../../helpers/origin-content.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

const origin = createFileOrigin()
const content = patternBytes(2_000_000)
let directory: ScratchDirectory

beforeEach(async () => {
  directory = await createScratchDirectory()
})
afterEach(() => directory[Symbol.asyncDispose]())

const pathOf = (name: string) => join(directory.path, name)
const sourceOf = (path: string) => ({ url: pathToFileURL(path).href, headers: {} })

async function stored(name = 'file') {
  await writeFile(pathOf(name), content)
  return sourceOf(pathOf(name))
}

describe('a file origin', () => {
  it('takes regular files only, and waits for no writer', async () => {
    await mkdir(pathOf('directory'))
    execFileSync('mkfifo', [pathOf('pipe')])
    const socket = createServer()
    await new Promise<void>(resolve => socket.listen(pathOf('socket'), resolve))
    const cases = [
      [pathOf('directory'), /is a directory; name a regular file/],
      [pathOf('pipe'), /is a device, pipe or socket; name a regular file/],
      [pathOf('socket'), /is a device, pipe or socket; name a regular file/],
      ['/dev/zero', /is a device, pipe or socket; name a regular file/],
      [pathOf('x'.repeat(300)), /cannot be a file/],
    ] as const
    for (const [path, detail] of cases) {
      const failure = { code: 'REQUEST_INVALID', detail: expect.stringMatching(detail) }
      await expect(origin.open(sourceOf(path))).rejects.toMatchObject(failure)
      await expect(origin.check(sourceOf(path))).rejects.toMatchObject(failure)
    }
    await new Promise(resolve => socket.close(resolve))
  })

  it('names the file that is not there', async () => {
    await stored()
    for (const path of [pathOf('missing'), pathOf('file/below')]) {
      await expect(origin.open(sourceOf(path))).rejects.toMatchObject({
        code: 'BLOB_UNKNOWN',
        detail: `${path} does not exist`,
      })
    }
  })

  it('follows a link to a file', async () => {
    await stored()
    await symlink(pathOf('file'), pathOf('link'))
    const opened = await origin.open(sourceOf(pathOf('link')), { start: 1_999_990 })
    expect(await readAll(opened.body)).toEqual(content.subarray(1_999_990))
  })

  it.each([
    ['written over', async (path: string) => writeFile(path, content)],
    ['cut off', async (path: string) => truncate(path, 1_500_000)],
    ['touched', async () => {}],
  ])('gives nothing that it reads after the file was %s', async (_, change) => {
    const opened = await origin.open(await stored())
    const reader = opened.body[Symbol.asyncIterator]()
    const first = await reader.next()
    expect(Buffer.from(first.value)).toEqual(content.subarray(0, first.value.length))
    await change(pathOf('file'))
    await utimes(pathOf('file'), 1, 1)
    await expect(reader.next()).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: expect.stringContaining('has changed'),
    })
  })

  it('notices a change behind the last byte', async () => {
    const opened = await origin.open(await stored(), { start: 1_999_999 })
    const reader = opened.body[Symbol.asyncIterator]()
    expect((await reader.next()).value).toHaveLength(1)
    await writeFile(pathOf('file'), 'more', { flag: 'a' })
    await expect(reader.next()).rejects.toMatchObject({ code: 'ORIGIN_FAILED' })
  })

  it('is for this machine only', async () => {
    await expect(origin.locate(await stored())).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('parseFileUrl', () => {
  it.each([
    ['file:///a/b', '/a/b'],
    ['FILE:///a/b', '/a/b'],
    ['file://localhost/a', '/a'],
    ['file:///a%20b/%C3%A4%3F%23%25', '/a b/ä?#%'],
    ['file:///a/../b', '/b'],
  ])('reads %s', (url, path) => {
    expect(parseFileUrl(url)).toBe(path)
  })

  it.each([
    'file://host/a',
    'file:/a',
    'file:a',
    'file:',
    '/a',
    'http://h/a',
    'file:///a?b',
    'file:///a#b',
    'file:///a%2Fb',
    'file:///a%00b',
    'file:///a%ff',
  ])('refuses %s', url => {
    expect(() => parseFileUrl(url)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
  })
})
