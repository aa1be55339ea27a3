import { createHash } from 'node:crypto'
import { MIN_LAYER_BYTES } from './layer-content.ts'
import { TAR_BLOCK_BYTES } from './tar.ts'

/**
 * Shares out bytes among layers, unevenly as in real images: a few large layers and many small ones.
 * @returns multiples of 512 that add up to `totalBytes`, rounded down to one
 */
export function layerSizes(seed: string, layers: number, totalBytes: number): number[] {
  const weights = Array.from({ length: layers }, (_, index) => 0.05 + fraction(`${seed}/${index}`) ** 3)
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0)
  const shared = totalBytes - layers * MIN_LAYER_BYTES
  const sizes = weights.map(weight => MIN_LAYER_BYTES + floorToBlock((shared * weight) / weightSum))
  const rest = floorToBlock(totalBytes - sizes.reduce((sum, size) => sum + size, 0))
  return sizes.map((size, index) => (index === 0 ? size + rest : size))
}

/** A number in [0, 1) that only depends on the text. */
export function fraction(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32
}

function floorToBlock(bytes: number): number {
  return Math.floor(bytes / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES
}
