import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isDamagedDatabase, toStoreError } from '../../lib/blocks/store-errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { ensurePrivateDirectory } from '../../lib/fs.ts'
import type { Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import { readRecord } from '../../lib/stored-record.ts'
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { DigestField, SizeField, TimeField } from '../../protocol/messages/fields.ts'

/** A manifest as its registry sent it, byte for byte. */
export interface Manifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** What a tag was when it was last resolved. */
export const ResolvedTag = Type.Object({
  digest: DigestField,
  /** Milliseconds since 1970. */
  resolvedAt: TimeField,
})
export type ResolvedTag = Static<typeof ResolvedTag>

/** What is kept of a manifest beside its bytes; its digest is the key. */
export const StoredManifest = Type.Object({
  mediaType: Type.String(),
  /** Milliseconds since 1970. */
  usedAt: TimeField,
  sizeBytes: SizeField,
})
type StoredManifest = Static<typeof StoredManifest>

const tagForm = Compile(ResolvedTag)
const manifestForm = Compile(StoredManifest)

/** Manifests that are kept; beyond, those longest unused go. */
const MAX_MANIFESTS = 20_000
/** What lies on the disk need not be JSON any more. */
const AS_BYTES = { valueEncoding: 'view' } as const

/** Each is made once for a database, which holds on to all that were made of it. */
function sublevels(database: Level<string, unknown>) {
  return {
    database,
    about: database.sublevel<string, StoredManifest>('about', { valueEncoding: 'json' }),
    bytes: database.sublevel<string, Uint8Array>('bytes', { valueEncoding: 'view' }),
    tags: database.sublevel<string, ResolvedTag>('tags', { valueEncoding: 'json' }),
  }
}

/** Keeps manifests for ever under their digest, and what tags pointed to. */
export class ManifestStore implements Startable {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #directory: string
  #levels: ReturnType<typeof sublevels> | undefined

  constructor(components: { clock: Clock; logger: Logger }, init: { dataDir: string }) {
    this.#clock = components.clock
    this.#logger = components.logger
    this.#directory = join(init.dataDir, 'manifests')
  }

  /** A damaged database is replaced by an empty one. @throws DamselflyError STORE_FULL, STORE_FAILED */
  async start(): Promise<void> {
    if (this.#levels !== undefined) return
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
    const levels = this.#levels
    this.#levels = undefined
    await levels?.database.close()
  }

  /** The manifest of a digest, if it is kept. Bytes that were damaged on disk are dropped. */
  async get(digest: Digest): Promise<Manifest | undefined> {
    const levels = this.#open()
    const stored = readRecord(manifestForm, await levels.about.get<string, Uint8Array>(digest, AS_BYTES))
    const bytes = stored === undefined ? undefined : await levels.bytes.get(digest)
    if (stored === undefined || bytes === undefined) return undefined
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest) {
      await this.#delete(digest)
      return undefined
    }
    await levels.about.put(digest, { ...stored, usedAt: this.#clock.wallTime() })
    return { digest, mediaType: stored.mediaType, bytes }
  }

  /** Keeps a manifest. @throws DamselflyError CONTENT_CORRUPT when the bytes have another digest */
  async put({ digest, mediaType, bytes }: Manifest): Promise<void> {
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest) {
      throw new DamselflyError('CONTENT_CORRUPT', 'the registry sent another manifest than asked for')
    }
    const levels = this.#open()
    await levels.bytes.put(digest, bytes)
    await levels.about.put(digest, { mediaType, usedAt: this.#clock.wallTime(), sizeBytes: bytes.length })
  }

  /** @param reference `registry/repository:tag` */
  async resolvedTag(reference: string): Promise<ResolvedTag | undefined> {
    return readRecord(tagForm, await this.#open().tags.get<string, Uint8Array>(reference, AS_BYTES))
  }

  async putTag(reference: string, digest: Digest): Promise<void> {
    await this.#open().tags.put(reference, { digest, resolvedAt: this.#clock.wallTime() })
  }

  async #begin(): Promise<void> {
    await ensurePrivateDirectory(this.#directory)
    const db = new Level<string, unknown>(this.#directory, { valueEncoding: 'json' })
    await db.open()
    this.#levels = sublevels(db)
    try {
      await this.#trim()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async #delete(digest: string): Promise<void> {
    const { about, bytes } = this.#open()
    await about.del(digest)
    await bytes.del(digest)
  }

  async #trim(): Promise<void> {
    const kept: { key: string; usedAt: number }[] = []
    const damaged: string[] = []
    for await (const [key, stored] of this.#open().about.iterator<string, Uint8Array>(AS_BYTES)) {
      const usedAt = readRecord(manifestForm, stored)?.usedAt
      if (usedAt === undefined || !isDigest(key)) damaged.push(key)
      else kept.push({ key, usedAt })
    }
    if (damaged.length > 0) {
      this.#logger.warn({ count: damaged.length }, 'manifests were damaged; they are read from their registries again')
    }
    const surplus = kept.sort((a, b) => b.usedAt - a.usedAt).slice(MAX_MANIFESTS)
    for (const key of [...damaged, ...surplus.map(({ key }) => key)]) await this.#delete(key)
  }

  #open(): ReturnType<typeof sublevels> {
    if (this.#levels === undefined) throw new DamselflyError('STORE_FAILED', 'the manifest store is not open')
    return this.#levels
  }
}
