import pLimit from 'p-limit'
import type { TaskId } from '../../protocol/task.ts'
import type { BlockFile } from './block-file.ts'
import type { BlockIndex } from './block-index.ts'
import type { TaskBacking } from './shared-task.ts'
import { toStoreError } from './store-errors.ts'

/**
 * After so many bytes the disk is told to write them while others come. Left to itself the kernel gathers up to a tenth of the memory first,
 * and whoever syncs at the end waits for all of it.
 */
const FLUSH_BYTES = 32 * 1024 * 1024

/** What one task's bytes and records are kept in. */
export interface DiskTaskParts {
  readonly taskId: TaskId
  readonly blockSizeBytes: number
  readonly file: BlockFile
  readonly index: BlockIndex
  /** Told before bytes change, so that they are on the disk before the store calls itself clean. */
  readonly onWrite: () => void
}

/** Keeps a task in its data file and in the index. */
export function createDiskBacking(parts: DiskTaskParts): TaskBacking {
  const { taskId, blockSizeBytes, file, index: blockIndex } = parts
  // The kernel lets one thread at a time write to a file, and the others wait for it with the processor in their hands.
  const inTurn = pLimit(1)
  const flush = flushing(file)
  return {
    async writeBlock(index, digest, bytes) {
      parts.onWrite()
      await named(`writing block ${index}`, async () => {
        await inTurn(() => writeFully(file, bytes, index * blockSizeBytes))
        flush.written(bytes.length)
        await blockIndex.saveBlock(taskId, index, digest)
      })
    },
    readBlock: (index, offset, into) =>
      named(`reading block ${index}`, () => readFully(file, index * blockSizeBytes + offset, into)),
    dropBlock: index => named(`dropping block ${index}`, () => blockIndex.deleteBlocks(taskId, [index])),
    saveRecord: record =>
      named('saving a task', () => blockIndex.saveTask(taskId, { ...record, epoch: blockIndex.epoch })),
    flushed: () => named('writing to the disk', () => flush.ended()),
    close: () => named('closing a data file', () => flush.ended().finally(() => file.close())),
  }
}

/** Has a file written to the disk while it grows. @returns `written` and `ended` throw what the disk answered to a flush before */
function flushing(file: BlockFile): { written(bytes: number): void; ended(): Promise<void> } {
  let unflushedBytes = 0
  let running: Promise<void> | undefined
  let failure: { readonly error: unknown } | undefined
  function throwFailure(): void {
    if (failure !== undefined) throw failure.error
  }
  return {
    written(bytes) {
      throwFailure()
      unflushedBytes += bytes
      if (unflushedBytes < FLUSH_BYTES || running !== undefined) return
      unflushedBytes = 0
      running = file
        .sync()
        .catch(error => {
          failure = { error }
        })
        .finally(() => {
          running = undefined
        })
    },
    async ended() {
      await running
      throwFailure()
    },
  }
}

/** Reads as much as fits. @returns false when the file ends before it */
export async function readFully(file: BlockFile, position: number, into: Uint8Array): Promise<boolean> {
  for (let done = 0; done < into.length; ) {
    const count = await file.read(done === 0 ? into : into.subarray(done), position + done)
    if (count === 0) return false
    done += count
  }
  return true
}

async function writeFully(file: BlockFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += await file.write(done === 0 ? bytes : bytes.subarray(done), position + done)
  }
}

async function named<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toStoreError(error, doing)
  }
}
