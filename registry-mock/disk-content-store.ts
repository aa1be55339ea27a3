import { type FileHandle, mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Digest } from '../protocol/digest.ts'
import { DamselflyError } from '../protocol/errors.ts'
import { type Content, READ_CHUNK_BYTES } from './content.ts'
import type { ContentStore, ContentWriter } from './content-store.ts'

/**
 * Keeps each blob in a file. The files live in a directory of the store's own inside `dataDir`, which is removed at the
 * end: manifests are kept in memory, so nothing could name the files after a restart.
 */
export class DiskContentStore implements ContentStore {
  readonly #dataDir: string
  readonly #contents = new Map<Digest, Content>()
  #directory: string | undefined
  #files = 0

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  find(digest: Digest): Content | undefined {
    return this.#contents.get(digest)
  }

  async add(digest: Digest, content: Content): Promise<void> {
    if (this.#contents.has(digest)) await content.discard?.()
    else this.#contents.set(digest, content)
  }

  async createWriter(): Promise<ContentWriter> {
    if (this.#directory === undefined) throw new DamselflyError('STORE_FAILED', 'the store is not running')
    const file = path.join(this.#directory, String(this.#files++))
    return new DiskWriter(file, await open(file, 'wx', 0o600).catch(storeFailed))
  }

  async start(): Promise<void> {
    if (this.#directory !== undefined) return
    await mkdir(this.#dataDir, { recursive: true })
    this.#directory = await mkdtemp(path.join(this.#dataDir, 'registry-mock-'))
  }

  async stop(): Promise<void> {
    for (const [digest, content] of this.#contents) if (content.discard !== undefined) this.#contents.delete(digest)
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true })
    this.#directory = undefined
  }
}

class DiskWriter implements ContentWriter {
  readonly #file: string
  readonly #handle: FileHandle
  sizeBytes = 0

  constructor(file: string, handle: FileHandle) {
    this.#file = file
    this.#handle = handle
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#handle.appendFile(bytes).catch(storeFailed)
    this.sizeBytes += bytes.length
  }

  async finish(): Promise<Content> {
    await this.#handle.close()
    return fileContent(this.#file, this.sizeBytes)
  }

  async discard(): Promise<void> {
    await this.#handle.close()
    await rm(this.#file, { force: true })
  }
}

function fileContent(file: string, sizeBytes: number): Content {
  return {
    sizeBytes,
    async *read(range) {
      const handle = await open(file).catch(storeFailed)
      try {
        for (let at = range.start; at < range.end; ) {
          const wanted = Math.min(READ_CHUNK_BYTES, range.end - at)
          const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, at)
          if (bytesRead === 0) throw new DamselflyError('STORE_FAILED', 'a blob file is shorter than it was')
          yield buffer.subarray(0, bytesRead)
          at += bytesRead
        }
      } finally {
        await handle.close()
      }
    },
    discard: () => rm(file, { force: true }),
  }
}

function storeFailed(cause: unknown): never {
  throw new DamselflyError('STORE_FAILED', undefined, { cause })
}
