import { createDigester, type Digest, digestAlgorithm, digestOf } from '../../../protocol/digest.ts'
import { readWhole } from '../bounded-body.ts'
import type { OpenOptions, Origin, OriginContent, Source } from '../origin.ts'
import { OriginError } from '../origin-error.ts'
import type { Mirror, MirrorTry } from './mirror.ts'
import type { MirroredUrl } from './mirrors.ts'

export interface MirroredReadComponents {
  /** Reads from the registry itself. */
  readonly origin: Pick<Origin, 'open'>
  /** Reads from mirrors. */
  readonly reader: Pick<Origin, 'open'>
}

/** A blob of a registry that has mirrors. */
export type MirroredBlob = MirroredUrl & { readonly digest: Digest }

/** What to read. */
export interface MirroredReadInit {
  readonly blob: MirroredBlob
  /** Of the blob, if its registry told. */
  readonly sizeBytes: number | undefined
  readonly options: OpenOptions
}

interface Opened {
  readonly content: OriginContent
  /** Undefined when it is the registry itself that is read. */
  readonly mirror?: { readonly of: Mirror; readonly attempt: MirrorTry }
}

/** Up to this size a blob is compared with its digest before any of it is given away. */
const CHECKED_AHEAD_BYTES = 256 * 1024

/**
 * Opens a blob at the first source that has it: its mirrors, in their order, then the registry. What breaks off goes on at the
 * next source, at the byte where it stopped.
 * @throws DamselflyError what the registry says
 */
export function openMirrored(
  components: MirroredReadComponents,
  source: Source,
  init: MirroredReadInit,
): Promise<OriginContent> {
  return new MirroredRead(components, source, init).open()
}

class MirroredRead {
  readonly #components: MirroredReadComponents
  readonly #source: Source
  readonly #blob: MirroredBlob
  readonly #options: OpenOptions
  readonly #untried: Mirror[]
  readonly #used = new Set<Mirror>()
  #sizeBytes: number | undefined
  #current: OriginContent | undefined
  #closed = false

  constructor(components: MirroredReadComponents, source: Source, { blob, sizeBytes, options }: MirroredReadInit) {
    this.#components = components
    this.#source = source
    this.#blob = blob
    this.#sizeBytes = sizeBytes
    this.#options = options
    this.#untried = [...blob.mirrors]
  }

  get #isWhole(): boolean {
    return (this.#options.start ?? 0) === 0 && this.#options.end === undefined
  }

  async open(): Promise<OriginContent> {
    const start = this.#options.start ?? 0
    let first = await this.#next(start)
    while (first.mirror !== undefined && this.#isWhole && this.#isSmall(first.content)) {
      const checked = await this.#checkedAhead(first.content, first.mirror)
      if (checked !== undefined) return checked
      first = await this.#next(start)
    }
    if (first.mirror === undefined) return first.content
    this.#sizeBytes ??= first.content.sizeBytes
    this.#current = first.content
    return {
      sizeBytes: this.#sizeBytes,
      start,
      // The digest tells whether it is the same content; validators are each source's own.
      validator: undefined,
      contentType: first.content.contentType,
      body: this.#read(first, start),
      close: () => {
        this.#closed = true
        this.#current?.close()
      },
    }
  }

  async *#read(first: Opened, start: number): AsyncGenerator<Uint8Array, void, undefined> {
    const { digest } = this.#blob
    const end = this.#options.end ?? this.#sizeBytes
    const digester = this.#isWhole ? createDigester(digestAlgorithm(digest)) : undefined
    let position = start
    for (let { content, mirror } = first; ; { content, mirror } = await this.#next(position)) {
      this.#current = content
      if (this.#closed) content.close()
      try {
        for await (const chunk of content.body) {
          digester?.update(chunk)
          position += chunk.length
          yield chunk
        }
        if (end === undefined || position >= end) break
        throw new OriginError('ORIGIN_FAILED', `the content ended at byte ${position} of ${end}`)
      } catch (error) {
        if (mirror === undefined || this.#closed || this.#options.signal?.aborted) throw error
        mirror.attempt.failed(error)
        if (position === end) break
      } finally {
        content.close()
      }
    }
    // Whoever asked compares the digest too, and refuses the content; here it matters whom to ask the next time.
    if (digester !== undefined && digester.digest() !== digest) this.#blame()
  }

  /** Undefined when the mirror does not give what the digest says. */
  async #checkedAhead(
    content: OriginContent,
    { of, attempt }: NonNullable<Opened['mirror']>,
  ): Promise<OriginContent | undefined> {
    const { digest } = this.#blob
    try {
      const bytes = await readWhole(content.body, CHECKED_AHEAD_BYTES)
      if (digestOf(bytes, digestAlgorithm(digest)) === digest) {
        return { ...content, sizeBytes: bytes.length, validator: undefined, body: once(bytes) }
      }
      of.isCorrupt(digest)
    } catch (error) {
      this.#options.signal?.throwIfAborted()
      attempt.failed(error)
    } finally {
      content.close()
    }
    return undefined
  }

  /** The next source that opens. @throws what the registry says, which comes last */
  async #next(start: number): Promise<Opened> {
    const { signal, end } = this.#options
    for (let of = this.#untried.shift(); of !== undefined; of = this.#untried.shift()) {
      const attempt = await of.begin(this.#blob.rest, this.#blob.digest, { signal })
      if (attempt === undefined) continue
      try {
        const content = await this.#components.reader.open(attempt.source, { start, end, signal })
        this.#requireSize(content)
        attempt.succeeded()
        this.#used.add(of)
        return { content, mirror: { of, attempt } }
      } catch (error) {
        signal?.throwIfAborted()
        attempt.failed(error)
      }
    }
    const content = await this.#components.origin.open(this.#source, { ...this.#options, start })
    try {
      // Nobody can be told another size than before.
      if (this.#current !== undefined) this.#requireSize(content)
    } catch (error) {
      this.#blame()
      throw error
    }
    return { content }
  }

  /** Empty answers are what pull-through caches are known to give when something is wrong with them. */
  #requireSize(content: OriginContent): void {
    const { sizeBytes } = content
    const isWrong = this.#sizeBytes !== undefined && sizeBytes !== undefined && sizeBytes !== this.#sizeBytes
    const isEmpty = sizeBytes === 0 && this.#blob.digest !== emptyDigest(this.#blob.digest)
    if (!isWrong && !isEmpty) return
    content.close()
    throw new OriginError('ORIGIN_FAILED', `content of ${sizeBytes} bytes, where ${this.#sizeBytes} were expected`)
  }

  #isSmall({ sizeBytes = this.#sizeBytes }: OriginContent): boolean {
    return sizeBytes !== undefined && sizeBytes <= CHECKED_AHEAD_BYTES
  }

  #blame(): void {
    for (const mirror of this.#used) mirror.isCorrupt(this.#blob.digest)
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes
}

function emptyDigest(like: Digest): Digest {
  return digestOf(new Uint8Array(), digestAlgorithm(like))
}
