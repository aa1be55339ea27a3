import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Program } from '../programs.ts'

/** Smaller than any block, so that each block is hit. */
const STEP_BYTES = 128 * 1024

/** Bytes of blocks that a program has on its disk. Its files are sparse, so this grows while it downloads. */
export async function storedBytes(program: Program): Promise<number> {
  let bytes = 0
  for (const file of await blockFiles(program)) bytes += (await stat(file)).blocks * 512
  return bytes
}

/** Makes every block that a program holds wrong on its disk, behind its back. */
export async function corruptBlocks(program: Program): Promise<void> {
  for (const path of await blockFiles(program)) {
    const file = await open(path, 'r+')
    const { size } = await file.stat()
    for (let at = 0; at < size; at += STEP_BYTES) {
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at)
      await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, at)
    }
    await file.close()
  }
}

async function blockFiles(program: Program): Promise<string[]> {
  const directory = join(program.dataDirectory, 'blocks')
  return (await readdir(directory)).map(name => join(directory, name))
}
