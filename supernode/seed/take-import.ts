import type { BlockBuffers } from '../../lib/blocks/block-buffers.ts'
import type { BlockStore } from '../../lib/blocks/block-store.ts'
import type { Hasher } from '../../lib/hashing/hasher.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import { BlockMap } from '../../protocol/block-map.ts'
import { blockSizeFor } from '../../protocol/block-size.ts'
import { type Digest, digestAlgorithm } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { taskIdOfDigest } from '../../protocol/task.ts'
import { fillTask } from './fill-task.ts'
import { SeedTask } from './seed-task.ts'

/** Content that somebody sends. */
export interface ImportedBody {
  readonly digest: Digest
  /** Undefined where the sender does not say. */
  readonly sizeBytes: number | undefined
  readonly body: AsyncIterable<Uint8Array>
}

export interface TakeComponents {
  readonly store: BlockStore
  readonly buffers: BlockBuffers
  readonly hasher: Hasher
}

/**
 * Stores content that somebody sends, of which nothing is here yet. Nobody else sees it before all of it is here and has its digest;
 * otherwise nothing is left of it.
 * @throws DamselflyError DIGEST_INVALID for other content; STORE_FULL, STORE_FAILED; SIZE_INVALID; what the body throws; the signal's
 * reason
 */
export async function takeImport(
  { store, buffers, hasher }: TakeComponents,
  { digest, sizeBytes, body }: ImportedBody,
  signal: AbortSignal,
): Promise<void> {
  const taskId = taskIdOfDigest(digest)
  const blockSizeBytes = blockSizeFor(sizeBytes)
  const blocks = await store.open(taskId, { blockSizeBytes, sizeBytes })
  try {
    const task = new SeedTask(taskId, blocks, new BlockMap(blockSizeBytes, sizeBytes))
    const read = { sizeBytes, contentType: undefined, validator: undefined, body: untilAborted(body, signal) }
    const found = await fillTask(
      { buffers, hasher, openOrigin: async () => read, pace: async () => {}, grown() {} },
      task,
    )
    checkDigest(digest, found)
    await blocks.markComplete()
  } catch (error) {
    await store.remove(taskId)
    throw error
  } finally {
    await blocks.close()
  }
}

/** Reads content that is here already, to see that its sender has it. @throws DamselflyError DIGEST_INVALID; what the body throws */
export async function checkImport(
  { hasher }: Pick<TakeComponents, 'hasher'>,
  { digest, body }: ImportedBody,
  signal: AbortSignal,
): Promise<void> {
  const digester = hasher.digester(digestAlgorithm(digest))
  let found: Digest
  try {
    for await (const chunk of untilAborted(body, signal)) await digester.update(chunk)
    found = await digester.digest()
  } catch (error) {
    digester.abandon()
    throw error
  }
  checkDigest(digest, found)
}

function checkDigest(expected: Digest, found: Digest): void {
  if (found !== expected) throw new DamselflyError('DIGEST_INVALID', `what was sent has ${found}`)
}
