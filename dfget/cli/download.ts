import { createDigester, type Digest, digestAlgorithm } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { type ByteRange, parseRange, resolveRange } from '../../protocol/range.ts'
import { digestOfTask, type TaskId } from '../../protocol/task.ts'
import { type Account, emptyAccount } from '../peer/task/account.ts'
import { isCorrupt } from '../peer/task/is-corrupt.ts'
import type { ReadOptions, ReadRange, TaskContent } from '../peer/task/task-content.ts'
import type { ProgressSource } from '../progress/progress-display.ts'
import type { Contents, ShareContent } from './contents/contents.ts'
import { OtherFileError } from './other-file-error.ts'
import type { Begun, Output } from './output/output.ts'
import type { DownloadRequest } from './request/request.ts'

export interface DownloadComponents {
  readonly contents: Pick<Contents, 'open'>
  readonly output: Pick<Output, 'name' | 'write' | 'replace' | 'begun'>
  /** Finds how the output can have the same bytes on the disk as the store; undefined where they must be copied. */
  readonly sharing: () => Promise<ShareContent | undefined>
}

/** How one content is downloaded. */
export interface DownloadOptions {
  /** First and last byte of the part that is wanted, `0-499`, `500-` or `-500`; all of it by default. */
  readonly range?: string | undefined
  /** Gives way to other downloads. */
  readonly background?: boolean
}

/** So much of what is there already is compared with the content, in bytes. */
const COMPARED_BYTES = 64 * 1024

/** One content on its way to its output. */
export class Download implements ProgressSource {
  readonly name: string
  sizeBytes: number | undefined
  /** Under what the content is stored, if it is. */
  taskId: TaskId | undefined
  account: Readonly<Account> = emptyAccount()
  /** Whether bytes have gone where they cannot be taken back from. */
  written = false
  readonly #components: DownloadComponents
  readonly #request: DownloadRequest
  readonly #options: DownloadOptions
  /** What the output has; undefined while it is only the store that gets bytes. */
  #outputBytes: number | undefined

  constructor(components: DownloadComponents, request: DownloadRequest, options: DownloadOptions = {}) {
    this.name = components.output.name
    this.#components = components
    this.#request = request
    this.#options = options
  }

  get doneBytes(): number {
    const { diskBytes, peerBytes, supernodeBytes, originBytes } = this.account
    return this.#outputBytes ?? diskBytes + peerBytes + supernodeBytes + originBytes
  }

  /**
   * Brings the content to the output and checks it.
   * @returns the first digest that was asked for, else the sha256 of what came
   * @throws DamselflyError CONTENT_CORRUPT, RANGE_INVALID, OUTPUT_FAILED, what the output throws, what the origin says; the signal's reason
   */
  async run({ signal }: { signal: AbortSignal }): Promise<Digest> {
    const { contents, output } = this.#components
    const { background = false, range } = this.#options
    const from = compareFrom(output.begun)
    const part = range ?? (from > 0 ? `${from}-` : undefined)
    const opening = contents.open(this.#request.source, {
      signal,
      background,
      range: part === undefined ? undefined : `bytes=${part}`,
    })
    const content = await (from > 0 ? opening.catch(tooLong) : opening)
    this.sizeBytes = content.sizeBytes
    this.account = content.account
    this.taskId = content.taskId
    if (range !== undefined) return this.#copyPart(content, range, { signal })
    if (output.begun !== undefined) return this.#goOn(content, output.begun, { signal })
    return (await this.#share(content, { signal })) ?? (await this.#copy(content, { signal }))
  }

  /** @returns undefined when the content does not come together in the store, or the store's file cannot be shared after all */
  async #share(content: TaskContent, options: { signal: AbortSignal }): Promise<Digest | undefined> {
    const { output, sharing } = this.#components
    const { taskId } = content
    const share = taskId === undefined ? undefined : await sharing()
    if (share === undefined || taskId === undefined) return undefined
    const digest = await this.#storedDigest(content, taskId, options)
    if (digest === undefined) return undefined
    this.#outputBytes = await output.replace(path => share(taskId, path))
    return this.#outputBytes === undefined ? undefined : digest
  }

  /**
   * The task is named by its digest where one was asked for, and is checked against it. Anything else is hashed while it comes.
   * @returns undefined when not all of it is in the store
   */
  async #storedDigest(
    content: TaskContent,
    taskId: TaskId,
    { signal }: { signal: AbortSignal },
  ): Promise<Digest | undefined> {
    const [first, ...others] = this.#request.digests
    const isName = first !== undefined && first === digestOfTask(taskId) && others.length === 0
    const account = emptyAccount()
    const isStored = () => !account.originReasons.some(({ why }) => why === 'download-failed')
    try {
      const pieces = whileStored(content.read({ start: 0 }, { signal, account }), isStored)
      const digest = isName ? first : await this.#digest(pieces, content, async () => {})
      return (await content.settled({ signal })) === undefined ? digest : undefined
    } catch (error) {
      if (error instanceof NotStoredError) return undefined
      throw error
    }
  }

  #copy(content: TaskContent, options: ReadOptions): Promise<Digest> {
    return this.#digest(content.read({ start: 0 }, options), content, bytes => this.#write(bytes))
  }

  /** Only a part: there is no digest to check it against. */
  async #copyPart(content: TaskContent, text: string, options: ReadOptions): Promise<Digest> {
    const range = rangeOf(text, content.sizeBytes)
    if (range.end !== undefined) this.sizeBytes = range.end - range.start
    const digester = createDigester()
    let partBytes = 0
    for await (const bytes of content.read(range, options)) {
      digester.update(bytes)
      await this.#write(bytes)
      partBytes += bytes.length
    }
    if (content.sizeBytes !== undefined && partBytes !== this.sizeBytes) throw tooFew(partBytes, this.sizeBytes)
    return digester.digest()
  }

  /** Writes what comes behind the bytes that are there, whose end must be that of the content. */
  async #goOn(content: TaskContent, begun: Begun, options: ReadOptions): Promise<Digest> {
    const { sizeBytes: begunBytes } = begun
    this.#outputBytes = begunBytes
    if (content.sizeBytes !== undefined && begunBytes > content.sizeBytes) {
      throw new OtherFileError(`has ${begunBytes} bytes, the content ${content.sizeBytes}`)
    }
    const start = compareFrom(begun)
    const same = compared(content.read({ start }, options), begun.read(start), begunBytes - start)
    async function* all(): AsyncGenerator<Uint8Array> {
      yield* begun.read(0)
      yield* same
    }
    let seenBytes = 0
    return this.#digest(all(), content, async bytes => {
      seenBytes += bytes.length
      if (seenBytes > begunBytes) await this.#write(bytes)
    })
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.written = true
    await this.#components.output.write(bytes)
    this.#outputBytes = (this.#outputBytes ?? 0) + bytes.length
  }

  /** Reads all of the content and checks its length and digests. @param take is given each piece */
  async #digest(
    pieces: AsyncIterable<Uint8Array>,
    { sizeBytes }: Pick<TaskContent, 'sizeBytes'>,
    take: (bytes: Uint8Array) => Promise<void>,
  ): Promise<Digest> {
    const { digests } = this.#request
    const algorithms = digests.length === 0 ? (['sha256'] as const) : digests.map(digestAlgorithm)
    const digesters = algorithms.map(createDigester)
    let readBytes = 0
    try {
      for await (const bytes of pieces) {
        for (const digester of digesters) digester.update(bytes)
        await take(bytes)
        readBytes += bytes.length
      }
    } catch (error) {
      const [expected] = digests
      throw isCorrupt(error) && expected !== undefined ? corrupt(expected, 'something else', error) : error
    }
    if (sizeBytes !== undefined && readBytes !== sizeBytes) throw tooFew(readBytes, sizeBytes)
    const found = digesters.map(digester => digester.digest())
    for (const [index, digest] of digests.entries()) {
      if (found[index] !== digest) throw corrupt(digest, found[index])
    }
    const [first] = found
    if (first === undefined) throw new DamselflyError('INTERNAL', 'nothing was hashed')
    return first
  }
}

/** The store did not take all of the content, which comes from the origin now. */
class NotStoredError extends Error {}

/** Ends a read whose bytes are not stored any more: they have to be read once more for the output. @throws NotStoredError */
async function* whileStored(pieces: AsyncIterable<Uint8Array>, isStored: () => boolean): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    if (!isStored()) throw new NotStoredError()
    yield piece
  }
}

function compareFrom(begun: Begun | undefined): number {
  return begun === undefined ? 0 : Math.max(0, begun.sizeBytes - COMPARED_BYTES)
}

/** @throws DamselflyError RANGE_INVALID */
function rangeOf(text: string, sizeBytes: number | undefined): ReadRange & Partial<ByteRange> {
  const range = parseRange(`bytes=${text}`)
  if (range === undefined) throw new DamselflyError('RANGE_INVALID', `--range ${text} is none`)
  if (sizeBytes !== undefined) return resolveRange(range, sizeBytes)
  if (range.kind === 'suffix') {
    throw new DamselflyError('RANGE_INVALID', 'nobody knows where the content ends; give a range from its beginning')
  }
  return range.kind === 'bounded' ? { start: range.start, end: range.end } : { start: range.start }
}

/** What comes after the first `length` bytes of `pieces`, which must be those of `expected`. */
async function* compared(
  pieces: AsyncIterable<Uint8Array>,
  expected: AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of expected) chunks.push(Buffer.from(chunk))
  const known = Buffer.concat(chunks)
  let position = 0
  try {
    for await (const piece of pieces) {
      const common = Math.min(piece.length, Math.max(0, length - position))
      if (!known.subarray(position, position + common).equals(piece.subarray(0, common))) {
        throw new OtherFileError('has other bytes')
      }
      position += common
      if (common < piece.length) yield piece.subarray(common)
    }
  } catch (error) {
    tooLong(error)
  }
  if (position < length) throw new OtherFileError('is longer')
}

/** The content ends before what is there. */
function tooLong(error: unknown): never {
  throw error instanceof DamselflyError && error.code === 'RANGE_INVALID' ? new OtherFileError('is longer') : error
}

function tooFew(readBytes: number, sizeBytes: number | undefined): DamselflyError {
  return new DamselflyError('ORIGIN_FAILED', `${readBytes} of ${sizeBytes} bytes came`)
}

function corrupt(expected: Digest, found: string | undefined, cause?: unknown): DamselflyError {
  return new DamselflyError('CONTENT_CORRUPT', `expected ${expected}, got ${found}`, { cause })
}
