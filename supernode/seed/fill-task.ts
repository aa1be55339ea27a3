import type { BlockBuffer, BlockBuffers } from '../../lib/blocks/block-buffers.ts'
import { cutBlocks } from '../../lib/blocks/cut-blocks.ts'
import type { Hasher, RunningDigest } from '../../lib/hashing/hasher.ts'
import type { ResumableRead } from '../../lib/origin/read-resumable.ts'
import { type Digest, digestAlgorithm } from '../../protocol/digest.ts'
import { digestOfTask } from '../../protocol/task.ts'
import type { SeedTask } from './seed-task.ts'

export interface FillComponents {
  readonly buffers: BlockBuffers
  readonly hasher: Hasher
  /** Reads the content from an offset in bytes on. */
  readonly openOrigin: (start: number) => Promise<ResumableRead>
  /** Waits until more may be read after so many bytes. */
  readonly pace: (bytes: number) => Promise<void>
  /** More of the block map is known, or the size. */
  readonly grown: (task: SeedTask) => void
}

/**
 * Reads from its origin what is missing of a task. @returns the digest of all of it
 * @throws what the origin, the store and the hasher throw
 */
export async function fillTask(components: FillComponents, task: SeedTask): Promise<Digest> {
  const digest = digestOfTask(task.taskId)
  const digester = components.hasher.digester(digest === undefined ? 'sha256' : digestAlgorithm(digest))
  try {
    await digestStored(task, digester)
    const start = task.readyBlocks * task.map.blockSizeBytes
    if (start !== task.map.sizeBytes) await readOrigin(components, task, digester, start)
    return await digester.digest()
  } catch (error) {
    digester.abandon()
    throw error
  }
}

async function digestStored(task: SeedTask, digester: RunningDigest): Promise<void> {
  for (let index = 0; index < task.readyBlocks; index++) {
    const block = await task.blocks.block(index)
    try {
      await digester.update(block.bytes)
    } finally {
      block.release()
    }
  }
}

async function readOrigin(
  components: FillComponents,
  task: SeedTask,
  digester: RunningDigest,
  start: number,
): Promise<void> {
  const { buffers, openOrigin, pace, grown } = components
  const { blockSizeBytes } = task.map
  const content = await openOrigin(start)
  task.contentType = content.contentType
  if (content.sizeBytes !== undefined) await task.setSize(content.sizeBytes)
  grown(task)
  let position = start
  // A block is hashed and stored while the next one is read.
  let appended = Promise.resolve()
  try {
    for await (const block of cutBlocks(content.body, blockSizeBytes, buffers)) {
      await appended
      position += block.bytes.length
      if (block.bytes.length < blockSizeBytes) await task.setSize(position)
      appended = append(components, task, digester, block)
      appended.catch(() => {})
      await pace(block.bytes.length)
    }
  } finally {
    await appended
  }
  await task.setSize(position)
}

async function append(
  { hasher, grown }: FillComponents,
  task: SeedTask,
  digester: RunningDigest,
  block: BlockBuffer,
): Promise<void> {
  try {
    const updating = digester.update(block.bytes)
    const hashing = hasher.blockDigest(block.bytes)
    await Promise.allSettled([updating, hashing])
    await updating
    await task.append(await hashing, block)
  } finally {
    block.release()
  }
  grown(task)
}
