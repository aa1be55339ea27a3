import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { isDamagedDatabase, toStoreError } from '../../lib/blocks/store-errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { ensurePrivateDirectory } from '../../lib/fs.ts'
import type { Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import { type Digest, digestAlgorithm, digestOf } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'

/** A manifest as its registry sent it, byte for byte. */
export interface Manifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** What a tag was when it was last resolved. */
export interface ResolvedTag {
  readonly digest: Digest
  /** Milliseconds since 1970. */
  readonly resolvedAt: number
}

interface StoredManifest {
  readonly mediaType: string
  readonly usedAt: number
  readonly sizeBytes: number
}

/** Manifests that are kept; beyond, those longest unused go. */
const MAX_MANIFESTS = 20_000

/** Keeps manifests for ever under their digest, and what tags pointed to. */
export class ManifestStore implements Startable {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #directory: string
  #db: Level<string, unknown> | undefined

  constructor(components: { clock: Clock; logger: Logger }, init: { dataDir: string }) {
    this.#clock = components.clock
    this.#logger = components.logger
    this.#directory = join(init.dataDir, 'manifests')
  }

  /** A damaged database is replaced by an empty one. @throws DamselflyError STORE_FULL, STORE_FAILED */
  async start(): Promise<void> {
    if (this.#db !== undefined) return
    const doing = `opening ${this.#directory}`
    try {
      await this.#begin()
    } catch (error) {
      if (!isDamagedDatabase(error)) throw toStoreError(error, doing)
      this.#logger.warn({ err: error }, 'the manifests are damaged; starting without any')
      await rm(this.#directory, { recursive: true, force: true })
      await this.#begin()
    }
  }

  async stop(): Promise<void> {
    const db = this.#db
    this.#db = undefined
    await db?.close()
  }

  /** The manifest of a digest, if it is kept. Bytes that were damaged on disk are dropped. */
  async get(digest: Digest): Promise<Manifest | undefined> {
    const stored = await this.#about().get(digest)
    const bytes = stored === undefined ? undefined : await this.#bytes().get(digest)
    if (stored === undefined || bytes === undefined) return undefined
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest) {
      await this.#delete(digest)
      return undefined
    }
    await this.#about().put(digest, { ...stored, usedAt: this.#clock.wallTime() })
    return { digest, mediaType: stored.mediaType, bytes }
  }

  /** Keeps a manifest. @throws DamselflyError CONTENT_CORRUPT when the bytes have another digest */
  async put({ digest, mediaType, bytes }: Manifest): Promise<void> {
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest) {
      throw new DamselflyError('CONTENT_CORRUPT', 'the registry sent another manifest than asked for')
    }
    await this.#bytes().put(digest, bytes)
    await this.#about().put(digest, { mediaType, usedAt: this.#clock.wallTime(), sizeBytes: bytes.length })
  }

  /** @param reference `registry/repository:tag` */
  resolvedTag(reference: string): Promise<ResolvedTag | undefined> {
    return this.#tags().get(reference)
  }

  async putTag(reference: string, digest: Digest): Promise<void> {
    await this.#tags().put(reference, { digest, resolvedAt: this.#clock.wallTime() })
  }

  async #begin(): Promise<void> {
    await ensurePrivateDirectory(this.#directory)
    const db = new Level<string, unknown>(this.#directory, { valueEncoding: 'json' })
    await db.open()
    this.#db = db
    try {
      await this.#trim()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async #delete(digest: Digest): Promise<void> {
    await this.#about().del(digest)
    await this.#bytes().del(digest)
  }

  async #trim(): Promise<void> {
    const kept = await this.#about().iterator().all()
    const surplus = kept.sort(([, a], [, b]) => b.usedAt - a.usedAt).slice(MAX_MANIFESTS)
    for (const [digest] of surplus) await this.#delete(digest as Digest)
  }

  #open(): Level<string, unknown> {
    if (this.#db === undefined) throw new DamselflyError('STORE_FAILED', 'the manifest store is not open')
    return this.#db
  }

  #about() {
    return this.#open().sublevel<string, StoredManifest>('about', { valueEncoding: 'json' })
  }

  #bytes() {
    return this.#open().sublevel<string, Uint8Array>('bytes', { valueEncoding: 'view' })
  }

  #tags() {
    return this.#open().sublevel<string, ResolvedTag>('tags', { valueEncoding: 'json' })
  }
}
