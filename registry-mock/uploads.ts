import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { createDigester, type Digest, type Digester, digestAlgorithm } from '../protocol/digest.ts'
import { DamselflyError } from '../protocol/errors.ts'
import { type Content, wholeOf } from './content.ts'
import type { ContentStore, ContentWriter } from './content-store.ts'

const MAX_UPLOADS = 1_000

/** One blob on its way in (OCI distribution spec, "Pushing blobs"). */
export class Upload {
  readonly id = randomUUID()
  readonly repository: string
  readonly #writer: ContentWriter
  readonly #digester: Digester = createDigester('sha256')
  #busy = false

  constructor(repository: string, writer: ContentWriter) {
    this.repository = repository
    this.#writer = writer
  }

  get sizeBytes(): number {
    return this.#writer.sizeBytes
  }

  /**
   * Takes a chunk. What had arrived when the client broke off is kept, and the client may go on from there.
   * @throws DamselflyError BLOB_UPLOAD_INVALID while another request writes to the same upload, STORE_FAILED
   */
  async append(body: Readable): Promise<void> {
    if (this.#busy) throw new DamselflyError('BLOB_UPLOAD_INVALID', 'another request writes to this upload')
    this.#busy = true
    try {
      // The request outlives a failure to write, so that the client gets an answer.
      const incoming: AsyncIterable<Uint8Array> = body.iterator({ destroyOnReturn: false })
      for await (const chunk of incoming) {
        this.#digester.update(chunk)
        await this.#writer.write(chunk)
      }
    } finally {
      this.#busy = false
    }
  }

  /** Ends the upload; the content may be stored under the digest. @throws DamselflyError DIGEST_INVALID */
  async finish(digest: Digest): Promise<Content> {
    const content = await this.#writer.finish()
    const actual =
      digestAlgorithm(digest) === 'sha256' ? this.#digester.digest() : await digestOfContent(content, digest)
    if (actual === digest) return content
    await content.discard?.()
    throw new DamselflyError('DIGEST_INVALID', `the uploaded content is ${actual}`)
  }

  discard(): Promise<void> {
    return this.#writer.discard()
  }
}

/** The uploads that have begun and not ended, at most 1,000. */
export class Uploads {
  readonly #content: ContentStore
  readonly #uploads = new Map<string, Upload>()

  constructor(content: ContentStore) {
    this.#content = content
  }

  /** @throws DamselflyError TOOMANYREQUESTS */
  async open(repository: string): Promise<Upload> {
    if (this.#uploads.size >= MAX_UPLOADS) throw new DamselflyError('TOOMANYREQUESTS', 'too many open uploads')
    const upload = new Upload(repository, await this.#content.createWriter())
    this.#uploads.set(upload.id, upload)
    return upload
  }

  /** @throws DamselflyError BLOB_UPLOAD_UNKNOWN */
  find(repository: string, id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload?.repository !== repository) throw new DamselflyError('BLOB_UPLOAD_UNKNOWN')
    return upload
  }

  /** Turns an upload into a stored blob. The upload is gone afterwards, also when it fails. */
  async complete(upload: Upload, digest: Digest): Promise<void> {
    this.#uploads.delete(upload.id)
    await this.#content.add(digest, await upload.finish(digest))
  }

  async cancel(upload: Upload): Promise<void> {
    this.#uploads.delete(upload.id)
    await upload.discard()
  }

  /** Cancels what is still open. */
  async stop(): Promise<void> {
    await Promise.allSettled([...this.#uploads.values()].map(upload => this.cancel(upload)))
  }
}

async function digestOfContent(content: Content, like: Digest): Promise<Digest> {
  const digester = createDigester(digestAlgorithm(like))
  for await (const chunk of content.read(wholeOf(content))) digester.update(chunk)
  return digester.digest()
}
