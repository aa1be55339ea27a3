import { Readable } from 'node:stream'
import { DamselflyError } from '../../protocol/errors.ts'

const DISCARD_LIMIT_BYTES = 16 * 1024

/**
 * Reads the beginning of a body and destroys it. Never fails: what came within `limitBytes` and `deadlineMs` is the result.
 * The deadline is short because some registries announce more bytes in an error answer than they send.
 */
export async function readBeginning(body: Readable, limitBytes: number, deadlineMs = 2_000): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const timer = setTimeout(() => body.destroy(), deadlineMs)
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= limitBytes) break
    }
  } catch {
    // The connection failed, or the deadline passed.
  } finally {
    clearTimeout(timer)
    body.destroy()
  }
  return Buffer.concat(chunks, length).subarray(0, limitBytes)
}

/** Reads a body that fits into memory. @throws DamselflyError ORIGIN_FAILED when it does not; the body's own error */
export async function readWhole(body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > limitBytes) throw new DamselflyError('ORIGIN_FAILED', `a body over ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** Gives up the rest of a body. A short one is read to its end, which keeps the connection usable; a long one is cut off. */
export function discard(body: Readable): void {
  let length = 0
  body.on('data', (chunk: Uint8Array) => {
    length += chunk.length
    if (length > DISCARD_LIMIT_BYTES) body.destroy()
  })
}

/** A body of bytes that are already here. */
export function bodyOf(bytes: Uint8Array): Readable {
  return Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false })
}
