import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { DamselflyError } from '../../protocol/errors.ts'
import { parseFileUrl } from './file-url.ts'
import type { OpenOptions, Origin, OriginContent } from './origin.ts'
import { OriginError } from './origin-error.ts'

const CHUNK_BYTES = 256 * 1024

/**
 * Reads regular files of this machine under `file:///absolute/path`. For commands only, which read for whoever started them: a program
 * that takes URLs from the network must not have it.
 *
 * A file has changed when its size, its time of modification or its inode has. That is looked at after each read, so no byte is given
 * that was read after a change that the file system's clock tells from the time before.
 */
export function createFileOrigin(): Origin & Required<Pick<Origin, 'locate'>> {
  return {
    open: async (source, options = {}) => openContent(parseFileUrl(source.url), options),
    async check(source, { signal } = {}) {
      const path = parseFileUrl(source.url)
      signal?.throwIfAborted()
      const { handle, stats } = await openFile(path)
      await handle.close()
      signal?.throwIfAborted()
      return { sizeBytes: Number(stats.size), validator: validatorOf(stats) }
    },
    async locate() {
      throw new DamselflyError(
        'UNSUPPORTED',
        'a file:// URL is read by this machine only; others need an http(s) or s3 URL',
      )
    },
  }
}

async function openContent(path: string, options: OpenOptions): Promise<OriginContent> {
  const { start = 0, end, validator, signal } = options
  if (end !== undefined && end <= start) throw new DamselflyError('RANGE_INVALID', `no bytes from ${start} to ${end}`)
  signal?.throwIfAborted()
  const { handle, stats } = await openFile(path)
  const sizeBytes = Number(stats.size)
  const current = validatorOf(stats)
  try {
    signal?.throwIfAborted()
    if (validator !== undefined && validator !== current) throw changed(path)
    if (start > 0 && start >= sizeBytes) throw new OriginError('RANGE_INVALID', `the content has ${sizeBytes} bytes`)
  } catch (error) {
    await handle.close()
    throw error
  }
  const reading = new FileReading(path, handle, stats)
  const onAbort = (): void => reading.close()
  signal?.addEventListener('abort', onAbort, { once: true })
  reading.onClose = () => signal?.removeEventListener('abort', onAbort)
  return {
    sizeBytes,
    start,
    validator: current,
    contentType: undefined,
    body: reading.read(start, Math.min(end ?? sizeBytes, sizeBytes), signal),
    close: () => reading.close(),
  }
}

/** One open file, closed once, whoever is first: its reader at the end, `close()` or the signal. */
class FileReading {
  onClose: () => void = () => {}
  readonly #path: string
  readonly #handle: FileHandle
  readonly #stats: BigIntStats
  #closed = false

  constructor(path: string, handle: FileHandle, stats: BigIntStats) {
    this.#path = path
    this.#handle = handle
    this.#stats = stats
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.onClose()
    // Waits for a read under way. A file that was only read loses nothing when closing fails.
    this.#handle.close().catch(() => {})
  }

  async *read(
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (let position = start; ; ) {
        this.#throwIfClosed(signal)
        const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - position))
        const bytesRead = await this.#readAt(buffer, position, signal)
        if (position === end) return
        if (bytesRead === 0) throw changed(this.#path)
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      this.close()
    }
  }

  /** Reads, and makes sure that what was read is of the file as it was opened. */
  async #readAt(buffer: Buffer, position: number, signal: AbortSignal | undefined): Promise<number> {
    try {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, position)
      if (validatorOf(await this.#handle.stat({ bigint: true })) !== validatorOf(this.#stats)) throw changed(this.#path)
      return bytesRead
    } catch (error) {
      this.#throwIfClosed(signal)
      throw error instanceof OriginError ? error : failure(this.#path, error)
    }
  }

  #throwIfClosed(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted()
    if (this.#closed) throw new DOMException('the content was closed while it was read', 'AbortError')
  }
}

/** Opens without waiting for a writer, as a named pipe would, and takes regular files only. */
async function openFile(path: string): Promise<{ handle: FileHandle; stats: BigIntStats }> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY).catch(error => {
    throw failure(path, error)
  })
  try {
    const stats = await handle.stat({ bigint: true })
    if (!stats.isFile()) {
      const what = stats.isDirectory() ? 'a directory' : 'a device, pipe or socket'
      throw new DamselflyError('REQUEST_INVALID', `${path} is ${what}; name a regular file`)
    }
    return { handle, stats }
  } catch (error) {
    await handle.close()
    throw error instanceof DamselflyError ? error : failure(path, error)
  }
}

function validatorOf({ size, mtimeNs, ino }: BigIntStats): string {
  return `"${size.toString(16)}-${mtimeNs.toString(16)}-${ino.toString(16)}"`
}

function changed(path: string): OriginError {
  return new OriginError('ORIGIN_FAILED', `${path} has changed since it was first read`)
}

function failure(path: string, error: unknown): DamselflyError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new OriginError('BLOB_UNKNOWN', `${path} does not exist`, {}, { cause: error })
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new OriginError('DENIED', `this user may not read ${path}`, {}, { cause: error })
  }
  if (code === 'ENXIO') {
    return new DamselflyError('REQUEST_INVALID', `${path} is a device, pipe or socket; name a regular file`, {
      cause: error,
    })
  }
  if (code === 'ELOOP' || code === 'ENAMETOOLONG') {
    return new DamselflyError('REQUEST_INVALID', `${path} cannot be a file: ${message}`, { cause: error })
  }
  return new OriginError('ORIGIN_FAILED', `${path} cannot be read: ${message}`, {}, { cause: error })
}
