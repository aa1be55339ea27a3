import { link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openFileOutput } from '../../../dfget/cli/output/file-output.ts'
import { NewNames } from '../../../dfget/cli/output/new-names.ts'
import type { Output } from '../../../dfget/cli/output/output.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../helpers/scratch-directory.ts'

let scratch: ScratchDirectory
beforeEach(async () => {
  scratch = await createScratchDirectory()
})
afterEach(() => scratch[Symbol.asyncDispose]())

const at = (name: string) => join(scratch.path, name)
async function open(
  output: string | undefined,
  {
    names = new NewNames(),
    ...fields
  }: { overwrite?: boolean; suggestedName?: string | undefined; names?: NewNames } = {},
): Promise<Output> {
  const opened = await openFileOutput({ names }, { output, suggestedName: 'suggested', overwrite: false, ...fields })
  if (opened === undefined) throw new Error('the file was left out')
  return opened
}

describe('a file', () => {
  test('has its name only when it is whole', async () => {
    const output = await open(at('file'))
    await output.write(Buffer.from('one '))
    await output.write(Buffer.from('two'))
    expect(await readdir(scratch.path)).toEqual([expect.stringMatching(/^file\.[0-9a-f-]{36}\.part$/)])
    await output.finish()
    await output.discard()
    expect(await readdir(scratch.path)).toEqual(['file'])
    expect(await readFile(at('file'), 'utf8')).toBe('one two')
  })

  test('can be replaced by one that somebody else makes, under the rights of a new file', async () => {
    await writeFile(at('store'), 'one two', { mode: 0o600 })
    await writeFile(at('new'), '')
    const output = await open(at('file'))
    expect(await output.replace(path => link(at('store'), path).then(() => true))).toBe(7)
    await output.finish()
    expect((await stat(at('file'))).ino).toBe((await stat(at('store'))).ino)
    expect((await stat(at('file'))).mode).toBe((await stat(at('new'))).mode)
    expect((await readdir(scratch.path)).sort()).toEqual(['file', 'new', 'store'])
  })

  test('is written as always when nobody makes another', async () => {
    const output = await open(at('file'))
    expect(await output.replace(async () => false)).toBeUndefined()
    await output.write(Buffer.from('one'))
    await output.finish()
    expect(await readFile(at('file'), 'utf8')).toBe('one')
    expect(await readdir(scratch.path)).toEqual(['file'])
  })

  test('leaves nothing when it is given up', async () => {
    const output = await open(at('file'))
    await output.write(Buffer.from('one'))
    await output.discard()
    await output.discard()
    expect(await readdir(scratch.path)).toEqual([])
  })

  test('that exists is replaced only on request, also one that came in the meantime', async () => {
    await writeFile(at('file'), 'old')
    await expect(open(at('file'))).rejects.toThrow(`${at('file')} exists; --overwrite replaces it`)
    const late = await open(at('other'))
    await writeFile(at('other'), 'mine')
    await expect(late.finish()).rejects.toThrow('exists; --overwrite replaces it')
    await late.discard()
    expect(await readFile(at('other'), 'utf8')).toBe('mine')

    const output = await open(at('file'), { overwrite: true })
    await output.write(Buffer.from('new'))
    expect(await readFile(at('file'), 'utf8')).toBe('old')
    await output.finish()
    expect(await readFile(at('file'), 'utf8')).toBe('new')
    expect((await readdir(scratch.path)).sort()).toEqual(['file', 'other'])
  })

  test('that exists is left out on request, and made where it does not', async () => {
    await writeFile(at('file'), 'old')
    const init = { suggestedName: undefined, overwrite: false, skipExisting: true }
    expect(await openFileOutput({ names: new NewNames() }, { ...init, output: at('file') })).toBeUndefined()
    const other = await openFileOutput({ names: new NewNames() }, { ...init, output: at('other') })
    await other?.finish()
    expect((await readdir(scratch.path)).sort()).toEqual(['file', 'other'])
  })

  test('that is a link to nowhere exists', async () => {
    await symlink(at('nowhere'), at('file'))
    await expect(open(at('file'))).rejects.toThrow('exists')
  })

  test('may have the longest name that there is', async () => {
    const name = 'n'.repeat(255)
    const output = await open(at(name))
    await output.finish()
    expect(await readdir(scratch.path)).toEqual([name])
    await expect(open(at('n'.repeat(256))).then(longer => longer.finish())).rejects.toThrow('the name is too long')
  })
})

describe('a directory', () => {
  test('gets a file of the suggested name', async () => {
    const output = await open(scratch.path)
    await output.finish()
    expect(output.path).toBe(at('suggested'))
    expect(await readdir(scratch.path)).toEqual(['suggested'])
  })

  test('needs a name, which must not be a directory again', async () => {
    await expect(open(scratch.path, { suggestedName: undefined })).rejects.toThrow('name the file with --output')
    await mkdir(at('suggested'))
    await expect(open(scratch.path)).rejects.toThrow('suggested is a directory; name a file with --output')
  })

  test.each([
    ['missing/file', 'the directory does not exist; make it'],
    ['missing/', 'the directory does not exist; make it'],
    ['plain/file', 'a part of the path is no directory'],
  ])('that cannot be: %s', async (output, text) => {
    await writeFile(at('plain'), '')
    await expect(open(`${scratch.path}/${output}`)).rejects.toThrow(text)
  })

  // Nobody can make files there, root included.
  test('that cannot be written is refused before anything is fetched', async () => {
    await expect(open('/sys/kernel/file')).rejects.toThrow(
      /\/sys\/kernel\/file: (no permission|the file system is read-only)/,
    )
  })
})

test('each directory with new names is put on the disk once, and one that is gone is said', async () => {
  const names = new NewNames()
  await names.sync()
  await (await open(at('one'), { names })).finish()
  await (await open(at('two'), { names })).finish()
  await names.sync()
  names.add(at('missing'))
  await expect(names.sync()).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
  await names.sync()
})
