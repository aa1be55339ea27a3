import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openBlockFile } from '../../../../lib/blocks/block-file.ts'
import { createScratchDirectory } from '../../../helpers/scratch-directory.ts'

test('refuses a data file of another user, who could change verified bytes', async () => {
  await using scratch = await createScratchDirectory()
  const path = join(scratch.path, 'file')
  const isRoot = process.geteuid?.() === 0
  // Only root can give a file away; a directory in its place is refused from everybody.
  if (isRoot) await writeFile(path, 'planted').then(() => chown(path, 65_534, 65_534))
  else await mkdir(path)
  await expect(openBlockFile(path, 'existing')).rejects.toThrow(isRoot ? 'is not a file of the user' : 'EISDIR')
})
