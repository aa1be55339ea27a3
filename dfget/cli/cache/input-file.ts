import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { untilAborted } from '../../../lib/until-aborted.ts'
import { createDigester, type Digest } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'

/** A file that is read twice: to learn its digest, and to send it. */
export interface InputFile {
  /** What the user calls it. */
  readonly name: string
  readonly sizeBytes: number
  /** Its bytes, as many as it had when it was opened. @throws DamselflyError INPUT_FAILED when it cannot be read or has changed */
  read(options: { signal: AbortSignal }): AsyncGenerator<Uint8Array>
  /** @throws DamselflyError INPUT_FAILED when it has changed since it was opened */
  checkUnchanged(): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

const READ_BYTES = 1024 * 1024

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  ENOTDIR: 'a part of the path is no directory',
  ELOOP: 'its symbolic links lead nowhere',
}

/** Opens a file. @throws DamselflyError INPUT_FAILED when it cannot be read, or is no file */
export async function openInputFile(path: string): Promise<InputFile> {
  const handle = await failingAs(path, () => open(path, 'r'))
  try {
    return await inputFileOf(path, handle)
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Keeps all of a stream in a temporary file, which is gone when it is closed. @throws DamselflyError INPUT_FAILED */
export async function openInputStream(
  stream: AsyncIterable<Uint8Array>,
  { signal }: { signal: AbortSignal },
): Promise<InputFile> {
  const path = join(tmpdir(), `damselfly-import-${randomUUID()}`)
  const handle = await failingAs(path, () => open(path, 'wx+', 0o600))
  try {
    await rm(path)
    await failingAs('standard input', async () => {
      for await (const bytes of untilAborted(stream, signal)) await handle.writeFile(bytes)
    })
    return await inputFileOf('standard input', handle)
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The digest of a file. @throws DamselflyError INPUT_FAILED; the signal's reason */
export async function digestOfFile(
  file: InputFile,
  read: (bytes: number) => void,
  options: { signal: AbortSignal },
): Promise<Digest> {
  const digester = createDigester('sha256')
  for await (const bytes of file.read(options)) {
    digester.update(bytes)
    read(bytes.length)
  }
  return digester.digest()
}

async function inputFileOf(name: string, handle: FileHandle): Promise<InputFile> {
  const before = await failingAs(name, () => handle.stat({ bigint: true }))
  if (before.isDirectory()) throw unreadable(name, 'it is a directory; pack it into one file, with tar for example')
  if (!before.isFile()) throw unreadable(name, 'it is no regular file; "dfget import -" reads standard input')
  const sizeBytes = Number(before.size)
  let isOpen = true

  async function checkUnchanged(): Promise<void> {
    const { size, mtimeNs } = await failingAs(name, () => handle.stat({ bigint: true }))
    if (size !== before.size || mtimeNs !== before.mtimeNs) {
      throw unreadable(name, 'it changed while it was read; import it again when nobody writes to it')
    }
  }

  return {
    name,
    sizeBytes,
    checkUnchanged,
    async *read({ signal }) {
      for (let position = 0; position < sizeBytes; ) {
        signal.throwIfAborted()
        // Of its own each time: whoever sends it may still hold it when the next is read.
        const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, sizeBytes - position))
        const { bytesRead } = await failingAs(name, () => handle.read(buffer, 0, buffer.length, position))
        if (bytesRead === 0) await checkUnchanged()
        if (bytesRead === 0) throw unreadable(name, 'it ends before its end')
        yield buffer.subarray(0, bytesRead)
        position += bytesRead
      }
      await checkUnchanged()
    },
    async close() {
      if (!isOpen) return
      isOpen = false
      await handle.close()
    },
  }
}

async function failingAs<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DamselflyError) throw error
    const { code = '', message } = error as NodeJS.ErrnoException
    if (error instanceof Error && code !== '') throw unreadable(name, REASONS[code] ?? message, error)
    throw error
  }
}

function unreadable(name: string, reason: string, cause?: unknown): DamselflyError {
  return new DamselflyError('INPUT_FAILED', `${name}: ${reason}`, cause === undefined ? {} : { cause })
}
