import type { Digest } from '../protocol/digest.ts'
import { type Content, memoryContent } from './content.ts'
import type { ContentStore, ContentWriter } from './content-store.ts'

const PIECE_BYTES = 1024 * 1024

/** Keeps blobs in memory, also while it is stopped. */
export class MemoryContentStore implements ContentStore {
  readonly #contents = new Map<Digest, Content>()

  find(digest: Digest): Content | undefined {
    return this.#contents.get(digest)
  }

  async add(digest: Digest, content: Content): Promise<void> {
    if (!this.#contents.has(digest)) this.#contents.set(digest, content)
  }

  async createWriter(): Promise<ContentWriter> {
    return new MemoryWriter()
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}
}

/** Gathers the small pieces of a socket into large ones, so that a blob costs about its own size. */
class MemoryWriter implements ContentWriter {
  #pieces: Uint8Array[] = []
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  sizeBytes = 0

  async write(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    this.sizeBytes += bytes.length
    if (this.#pendingBytes >= PIECE_BYTES) this.#gather()
  }

  async finish(): Promise<Content> {
    this.#gather()
    return memoryContent(this.#pieces)
  }

  async discard(): Promise<void> {
    this.#pieces = []
    this.#pending = []
  }

  #gather(): void {
    if (this.#pendingBytes > 0) this.#pieces.push(Buffer.concat(this.#pending))
    this.#pending = []
    this.#pendingBytes = 0
  }
}
