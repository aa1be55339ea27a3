import { createCipheriv, createHash } from 'node:crypto'
import { type Content, READ_CHUNK_BYTES } from '../content.ts'

const CIPHER_BLOCK_BYTES = 16
const ZEROS = Buffer.alloc(READ_CHUNK_BYTES + CIPHER_BLOCK_BYTES)

/** Bytes that lie over the pseudo-random ones. */
export interface Overlay {
  readonly offset: number
  readonly bytes: Uint8Array
}

/**
 * Pseudo-random content that is computed when it is read: the AES-128-CTR key stream of a seed, which can begin at any
 * offset, costs less than reading a file, and never repeats. No part of it is kept.
 */
export function keystreamContent(seed: string, sizeBytes: number, overlays: readonly Overlay[]): Content {
  const key = createHash('sha256').update(seed).digest().subarray(0, CIPHER_BLOCK_BYTES)
  return {
    sizeBytes,
    async *read(range) {
      for (let at = range.start; at < range.end; ) {
        const chunk = keystream(key, at, Math.min(READ_CHUNK_BYTES, range.end - at))
        for (const overlay of overlays) lay(overlay, chunk, at)
        yield chunk
        at += chunk.length
      }
    },
  }
}

function keystream(key: Uint8Array, offset: number, lengthBytes: number): Buffer {
  const skip = offset % CIPHER_BLOCK_BYTES
  const counter = Buffer.alloc(CIPHER_BLOCK_BYTES)
  counter.writeBigUInt64BE(BigInt(Math.floor(offset / CIPHER_BLOCK_BYTES)), CIPHER_BLOCK_BYTES / 2)
  return createCipheriv('aes-128-ctr', key, counter)
    .update(ZEROS.subarray(0, skip + lengthBytes))
    .subarray(skip)
}

function lay({ offset, bytes }: Overlay, chunk: Buffer, chunkOffset: number): void {
  const from = Math.max(offset, chunkOffset)
  const to = Math.min(offset + bytes.length, chunkOffset + chunk.length)
  if (from < to) chunk.set(bytes.subarray(from - offset, to - offset), from - chunkOffset)
}
