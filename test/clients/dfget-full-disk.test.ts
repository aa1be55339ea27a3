import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { contentHandler, createDfgetUser, serveForTest } from '../helpers/dfget-user.ts'
import { patternBytes } from '../helpers/registry-mock.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { createSmallDisk } from '../helpers/small-disk.ts'

const MIB = 1024 * 1024
const CONTENT = patternBytes(3 * MIB)

test('a disk that gets full, or is read-only, is said in one line, and what was verified is kept', async () => {
  assertClientRequirements()
  await using disk = await createSmallDisk(4 * MIB)
  await using user = await createDfgetUser()
  const server = await serveForTest(contentHandler(CONTENT))
  const [out, frozen] = [join(disk.path, 'out'), join(disk.path, 'frozen')]
  for (const directory of [out, frozen]) await mkdir(directory)
  const fetch = (...args: string[]) => user.run(...args, `${server.url}/a`)

  // The output is on it, and the store elsewhere.
  await disk.fill()
  const full = await fetch('-O', join(out, 'a'))
  expect(full.stderr).toMatch(/^dfget: [^\n]*the disk is full; free space, or choose another place[^\n]*\n$/)
  expect(full.stderr).toMatch(/of verified blocks are kept in .*, the same command resumes\n$/)
  expect(full.code).toBe(23)

  await disk.free()
  expect((await fetch('--quiet', '-O', join(out, 'a'))).code).toBe(0)
  expect(await readFile(join(out, 'a'))).toEqual(Buffer.from(CONTENT))
  await rm(join(out, 'a'))

  // Both are on it: what does not fit into the store goes past it.
  const both = await fetch('--data-dir', join(disk.path, 'data'), '-O', join(out, 'a'))
  expect({ code: both.code, lines: both.stderr.split('\n').length }).toEqual({ code: 23, lines: 2 })
  expect(both.stderr).toMatch(/^dfget: [^\n]*the disk is full/)

  await disk.freeze(frozen)
  const readOnly = await fetch('-O', join(frozen, 'a'))
  expect(readOnly).toMatchObject({
    code: 23,
    stderr: expect.stringMatching(/^dfget: [^\n]*the file system is read-only; choose another place[^\n]*\n$/),
  })
})
