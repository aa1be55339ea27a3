/** Smallest and largest block, and the block of content whose length is not known in advance. All in bytes. */
export const MIN_BLOCK_BYTES = 256 * 1024
export const MAX_BLOCK_BYTES = 4 * 1024 * 1024
export const UNKNOWN_LENGTH_BLOCK_BYTES = 1024 * 1024

/** The most blocks of a large task. More make the pipeline finer, fewer keep the bookkeeping small. */
const MOST_BLOCKS = 1536

/**
 * The block size of a task: a power of two, so that a blob of a few GiB has about a thousand blocks.
 * With N receivers and M blocks the pipeline costs log2(N)/M of the transfer time (Mundinger et al., J. Scheduling 11, 2008),
 * which at M = 1024 is 1 % for 2,000 nodes.
 */
export function blockSizeFor(sizeBytes: number | undefined): number {
  if (sizeBytes === undefined) return UNKNOWN_LENGTH_BLOCK_BYTES
  let blockBytes = MIN_BLOCK_BYTES
  while (blockBytes < MAX_BLOCK_BYTES && blockBytes * MOST_BLOCKS < sizeBytes) blockBytes *= 2
  return blockBytes
}

/** Whether a block size received from elsewhere is one that we would choose. */
export function isBlockSize(bytes: number): boolean {
  return bytes >= MIN_BLOCK_BYTES && bytes <= MAX_BLOCK_BYTES && Number.isInteger(Math.log2(bytes))
}
