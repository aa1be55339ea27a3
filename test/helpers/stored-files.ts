import { open, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileNameOf } from '../../lib/blocks/block-file.ts'
import type { Digest } from '../../protocol/digest.ts'
import { taskIdOfDigest } from '../../protocol/task.ts'

/** The file in which a data directory keeps the blocks of a blob. */
export function dataFileOf(dataDir: string, digest: Digest): string {
  return join(dataDir, 'blocks', fileNameOf(taskIdOfDigest(digest)))
}

/** Changes one byte of a file. */
export async function flipByte(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const byte = new Uint8Array(1)
    await file.read(byte, 0, 1, position)
    await file.write(
      byte.map(value => value ^ 0xff),
      0,
      1,
      position,
    )
  } finally {
    await file.close()
  }
}

/** What the descriptors of a process point to, this one by default; nothing when it has ended. */
export async function openFiles(pid: number | 'self' = 'self'): Promise<string[]> {
  const directory = `/proc/${pid}/fd`
  const descriptors = await readdir(directory).catch(() => [])
  return Promise.all(descriptors.map(descriptor => readlink(join(directory, descriptor)).catch(() => '')))
}
