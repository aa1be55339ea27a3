import type { Bitfield } from '../../protocol/bitfield.ts'
import { blockCountOf, blockRange } from '../../protocol/block-map.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskShape } from './block-store.ts'

/** More blocks than this in one task are refused: 64 TiB in blocks of 4 MiB, and a bitfield of 2 MiB. */
export const MAX_TASK_BLOCKS = 2 ** 24

/** @throws DamselflyError SIZE_INVALID when no task can have this shape */
export function checkShape({ blockSizeBytes, sizeBytes }: TaskShape): void {
  if (!Number.isSafeInteger(blockSizeBytes) || blockSizeBytes <= 0) {
    throw new DamselflyError('SIZE_INVALID', `${blockSizeBytes} bytes is no block size`)
  }
  if (sizeBytes !== undefined) checkSize(sizeBytes, blockSizeBytes)
}

/** @throws DamselflyError SIZE_INVALID when no content can have this size */
export function checkSize(sizeBytes: number, blockSizeBytes: number): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw new DamselflyError('SIZE_INVALID', `${sizeBytes} bytes is no content length`)
  }
  if (blockCountOf(sizeBytes, blockSizeBytes) > MAX_TASK_BLOCKS) {
    throw new DamselflyError('SIZE_INVALID', `${sizeBytes} bytes are more than ${MAX_TASK_BLOCKS} blocks`)
  }
}

/**
 * How many bytes a block has. While the size is unknown every block is a full one.
 * @throws DamselflyError SIZE_INVALID when the content has no such block
 */
export function blockLength(index: number, { blockSizeBytes, sizeBytes }: TaskShape): number {
  const count = sizeBytes === undefined ? MAX_TASK_BLOCKS : blockCountOf(sizeBytes, blockSizeBytes)
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new DamselflyError('SIZE_INVALID', `block ${index} lies outside the content`)
  }
  const { start, end } = blockRange(index, blockSizeBytes, sizeBytes)
  return end - start
}

/** How many bytes the present blocks have. All of them lie inside the content. */
export function storedBytesOf(shape: TaskShape, present: Pick<Bitfield, 'count' | 'has'>): number {
  const { blockSizeBytes, sizeBytes } = shape
  const full = present.count * blockSizeBytes
  if (sizeBytes === undefined || sizeBytes === 0) return full
  const last = blockCountOf(sizeBytes, blockSizeBytes) - 1
  return present.has(last) ? full - blockSizeBytes + blockLength(last, shape) : full
}

/** Whether every block of the content is present. False while the size is unknown. */
export function isWhole({ blockSizeBytes, sizeBytes }: TaskShape, presentCount: number): boolean {
  return sizeBytes !== undefined && presentCount === blockCountOf(sizeBytes, blockSizeBytes)
}
