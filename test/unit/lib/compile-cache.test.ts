import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { run } from '../../helpers/process.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'

const MODULE = fileURLToPath(new URL('../../../lib/compile-cache.ts', import.meta.url))
const SCRIPT = `const { keepCompiledCode } = await import(process.argv[1]); console.log(keepCompiledCode())`

/** In a process of its own: what is switched on stays on. */
async function keepsIn(cache: string): Promise<boolean> {
  const env = { ...process.env, XDG_CACHE_HOME: cache }
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', SCRIPT, MODULE], { env })
  return stdout === 'true\n'
}

test('compiled code is kept in a directory that is made for it', async () => {
  await using scratch = await createScratchDirectory()
  expect(await keepsIn(join(scratch.path, 'cache'))).toBe(true)
  expect(await readdir(join(scratch.path, 'cache/damselfly'))).toEqual(['compiled'])
})

test('no code is read from where others can write', async () => {
  await using scratch = await createScratchDirectory()
  await mkdir(join(scratch.path, 'damselfly/compiled'), { recursive: true })
  for (const path of ['', 'damselfly', 'damselfly/compiled']) {
    await chmod(join(scratch.path, path), 0o777)
    expect(await keepsIn(scratch.path)).toBe(false)
    await chmod(join(scratch.path, path), 0o700)
  }
  expect(await keepsIn(scratch.path)).toBe(true)
})

test('nothing is kept where no directory can be made', async () => {
  expect(await keepsIn('/proc/none')).toBe(false)
})
