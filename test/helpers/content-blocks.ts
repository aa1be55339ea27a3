import { type BlockDigest, blockCountOf, blockDigestOf } from '../../protocol/block-map.ts'
import { digestOf } from '../../protocol/digest.ts'
import { type TaskId, taskIdOfDigest } from '../../protocol/task.ts'

/** A block as a test writes it. */
export interface ContentBlock {
  readonly index: number
  readonly bytes: Uint8Array
  readonly digest: BlockDigest
}

/** Bytes that differ from block to block and from seed to seed. */
export function contentOf(sizeBytes: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, at) => (at * 31 + (at >>> 4) * 7 + seed * 101) & 0xff)
}

/** Cuts content into its blocks. */
export function blocksOf(content: Uint8Array, blockSizeBytes: number): ContentBlock[] {
  return Array.from({ length: blockCountOf(content.length, blockSizeBytes) }, (_, index) => {
    const bytes = content.slice(index * blockSizeBytes, (index + 1) * blockSizeBytes)
    return { index, bytes, digest: blockDigestOf(bytes) }
  })
}

/** The task id of content. */
export function taskOf(content: Uint8Array): TaskId {
  return taskIdOfDigest(digestOf(content))
}
