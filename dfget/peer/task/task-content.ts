import type { BlockBuffer } from '../../../lib/blocks/block-buffers.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/logger.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { openResumable, type ResumeComponents } from '../../../lib/origin/read-resumable.ts'
import { verifiedBody } from '../../../lib/origin/verified-body.ts'
import { withSignal } from '../../../lib/with-signal.ts'
import { DamselflyError, toDamselflyError } from '../../../protocol/errors.ts'
import type { OriginReason } from '../../../protocol/messages/daemon-api.ts'
import type { TaskId } from '../../../protocol/task.ts'
import { type Account, because, book, emptyAccount } from './account.ts'
import type { Assembly } from './assembly.ts'
import { isOriginFailure } from './is-origin-failure.ts'
import type { Readers } from './readers.ts'
import { RunsAhead } from './runs-ahead.ts'
import type { SmallContent } from './small-content.ts'

/** Which bytes to read; to the end of the content by default. `end` is exclusive. */
export interface ReadRange {
  readonly start: number
  readonly end?: number | undefined
}

export interface ReadOptions {
  readonly signal: AbortSignal
  /** What is read is booked here. */
  readonly account?: Account
}

/** Content that can be read while it is still arriving. */
export interface TaskContent {
  /** Undefined when the content cannot be stored here and is passed through from the origin. */
  readonly taskId: TaskId | undefined
  /** Undefined when the origin did not tell; then a read ends where the content does. */
  readonly sizeBytes: number | undefined
  readonly contentType: string | undefined
  /** Where the bytes of the task have come from so far, for all its readers. */
  readonly account: Account
  /** Where the bytes of a range came from that could be read at once. */
  here(range: ReadRange): Account
  /**
   * Resolves when all of the content is here and checked, when it cannot come together here, or after a while. Nothing is read:
   * this is for whoever wants no beginning of what may turn out to be wrong, or only what is stored.
   * @param options.withinMs how long that may take; as long as blocks come by default
   * @returns why it has failed, if it has; opened again, it is downloaded anew
   * @throws the signal's reason
   */
  settled(options: { signal: AbortSignal; withinMs?: number }): Promise<Error | undefined>
  /**
   * Reads in order, from the first verified byte on. A piece is valid until the next one is asked for. When the swarm or the store
   * fails on the way, the read goes on from the origin at the byte where it is.
   * @throws DamselflyError only when the origin fails too, or CONTENT_CORRUPT in the middle; the signal's reason
   */
  read(range: ReadRange, options: ReadOptions): AsyncGenerator<Uint8Array>
}

/**
 * A reader that waits this long for one block goes on from the origin: a part far behind what has arrived may be wanted, and
 * clients give up after 30 s of silence (contracts §0 rule 4).
 */
const PATIENCE_MS = 20_000

export interface TaskContentComponents {
  readonly clock: Clock
  readonly source: Source
  readonly resume: ResumeComponents
  readonly logger: Logger
  readonly contentType: string | undefined
  /** Whether this very origin is all that the content comes from, so that a read cannot go on from there when it has failed. */
  readonly soleOrigin?: boolean
}

/**
 * Content that comes together in an assembly.
 * @param since the mark of its arrivals before which blocks count as having been here
 */
export function assembledContent(
  components: TaskContentComponents,
  { assembly, readers, since }: { readonly assembly: Assembly; readonly readers: Readers; readonly since: number },
): TaskContent {
  return {
    taskId: assembly.taskId,
    sizeBytes: assembly.sizeBytes,
    contentType: components.contentType,
    account: assembly.account,
    here: range => accountOfPresent(assembly, range, since),
    settled: options => waitForAll(assembly, readers, { ...options, clock: components.clock }),
    async *read(range, { signal, account = emptyAccount() }) {
      let position = range.start
      try {
        for await (const piece of readAssembly(assembly, readers, range, { signal, clock: components.clock })) {
          // Whoever reads the whole gets its end only when the whole is what its digest says.
          if (range.start === 0 && position + piece.length === assembly.sizeBytes) await assembly.done
          for (const { block, bytes } of partsByBlock(position, piece.length, assembly.blockSizeBytes)) {
            const sender = assembly.arrivals.senderSince(since, block)
            book(account, sender, bytes)
            if (sender === 'origin') because(account, ...assembly.account.originReasons)
          }
          position += piece.length
          yield piece
        }
      } catch (error) {
        if (signal.aborted) throw error
        // It has been tried often enough, and what is stored is worth more than another read from the beginning.
        if (components.soleOrigin === true && isOriginFailure(error)) throw error
        const { code } = toDamselflyError(error)
        // To wrong bytes that are out already no right ones can be added.
        if (code === 'CONTENT_CORRUPT' && position > range.start) throw error
        components.logger.warn({ taskId: assembly.taskId, code, position }, 'read goes on from the origin')
        const accounts = [assembly.account, account]
        for (const each of accounts) because(each, { why: 'download-failed', code })
        yield* passThrough(components, { ...range, start: position }, accounts, signal)
      }
    },
  }
}

/** Small content that is in memory. */
export function heldContent({ bytes, contentType, account: total }: SmallContent): TaskContent {
  const senders = ['peer', 'supernode', 'origin'] as const
  const sender = senders.find(name => total[`${name}Bytes`] > 0) ?? 'supernode'
  const bookPart = (account: Account, part: Uint8Array) => {
    book(account, sender, part.length)
    because(account, ...total.originReasons)
  }
  const partOf = ({ start, end }: ReadRange) => bytes.subarray(start, end)
  return {
    taskId: undefined,
    sizeBytes: bytes.length,
    contentType,
    account: total,
    settled: async () => undefined,
    here(range) {
      const account = emptyAccount()
      bookPart(account, partOf(range))
      return account
    },
    async *read(range, { account = emptyAccount() }) {
      const part = partOf(range)
      bookPart(account, part)
      if (part.length > 0) yield part
    },
  }
}

/** Content that does not come together here: every read is one of the origin. */
export function passedThroughContent(
  components: TaskContentComponents,
  { sizeBytes, reason }: { readonly sizeBytes: number | undefined; readonly reason: OriginReason },
): TaskContent {
  const total = emptyAccount()
  return {
    taskId: undefined,
    sizeBytes,
    contentType: components.contentType,
    account: total,
    settled: async () => undefined,
    here() {
      const account = emptyAccount()
      because(account, reason)
      return account
    },
    read(range, { signal, account = emptyAccount() }) {
      const accounts = [total, account]
      for (const each of accounts) because(each, reason)
      return passThrough(components, range, accounts, signal)
    },
  }
}

function accountOfPresent(assembly: Assembly, { start, end }: ReadRange, since: number): Account {
  const { blockSizeBytes, arrivals } = assembly
  const account = emptyAccount()
  const limit = Math.min(end ?? Number.POSITIVE_INFINITY, assembly.sizeBytes ?? Number.POSITIVE_INFINITY)
  for (const block of assembly.present) {
    const from = Math.max(start, block * blockSizeBytes)
    const to = Math.min(limit, block * blockSizeBytes + assembly.lengthOf(block))
    if (from < to) book(account, arrivals.senderSince(since, block), to - from)
  }
  if (account.originBytes > 0) because(account, ...assembly.account.originReasons)
  return account
}

/** How many bytes of a span of content are in which block. */
function* partsByBlock(start: number, lengthBytes: number, blockSizeBytes: number) {
  for (let position = start; position < start + lengthBytes; ) {
    const block = Math.floor(position / blockSizeBytes)
    const next = Math.min(start + lengthBytes, (block + 1) * blockSizeBytes)
    yield { block, bytes: next - position }
    position = next
  }
}

async function* readAssembly(
  assembly: Assembly,
  readers: Readers,
  { start, end = Number.POSITIVE_INFINITY }: ReadRange,
  options: { readonly signal: AbortSignal; readonly clock: Clock },
): AsyncGenerator<Uint8Array> {
  const { blockSizeBytes } = assembly
  const reader = readers.add(Math.floor(start / blockSizeBytes))
  const runs = new RunsAhead(assembly, Math.min(Math.ceil(end / blockSizeBytes), assembly.blockCount ?? 0))
  try {
    for (let position = start; position < end; ) {
      reader.head = Math.floor(position / blockSizeBytes)
      const blockStart = reader.head * blockSizeBytes
      // What is still stored of wrong content is on its way out.
      if (assembly.failure !== undefined) throw assembly.failure
      const run = await runs.take(reader.head)
      const { bytes, release } = run ?? (await blockInTime(assembly, reader.head, options))
      try {
        const piece = bytes.subarray(position - blockStart, Math.min(bytes.length, end - blockStart))
        if (piece.length === 0) return
        if (run === undefined && blockStart + blockSizeBytes < end) assembly.readAhead(reader.head + 1)
        yield piece
        position += piece.length
      } finally {
        release()
      }
    }
  } finally {
    runs.close()
    reader.release()
  }
}

async function waitForAll(
  assembly: Assembly,
  readers: Readers,
  { signal, withinMs, clock }: { readonly signal: AbortSignal; readonly withinMs?: number; readonly clock: Clock },
): Promise<Error | undefined> {
  const late = new AbortController()
  const cancel =
    withinMs === undefined ? () => {} : clock.after(withinMs, () => late.abort(new Error('not settled in time')))
  const options = { signal: AbortSignal.any([signal, late.signal]), clock }
  // As a reader, so that a block which does not come is looked after.
  const reader = readers.add(0)
  try {
    for (; reader.head < (assembly.blockCount ?? Number.POSITIVE_INFINITY); reader.head++) {
      if (!assembly.present.has(reader.head)) (await blockInTime(assembly, reader.head, options)).release()
    }
    await withSignal(assembly.done, options.signal)
  } catch {
    signal.throwIfAborted()
  } finally {
    cancel()
    reader.release()
  }
  return assembly.failure
}

/** @throws DamselflyError BLOCK_LATE when patience ends; whatever `Assembly.block` throws */
async function blockInTime(
  assembly: Assembly,
  block: number,
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<BlockBuffer> {
  if (assembly.has(block)) return assembly.block(block, { signal })
  const late = new AbortController()
  const cancel = clock.after(PATIENCE_MS, () => late.abort(new DamselflyError('BLOCK_LATE', `block ${block}`)))
  try {
    return await assembly.block(block, { signal: AbortSignal.any([signal, late.signal]) })
  } finally {
    cancel()
  }
}

async function* passThrough(
  { source, resume }: TaskContentComponents,
  { start, end = Number.POSITIVE_INFINITY }: ReadRange,
  accounts: readonly Account[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (start >= end) return
  const { body, sizeBytes } = await openResumable(resume, source, {
    start,
    end: Number.isFinite(end) ? end : undefined,
    signal,
  })
  const isWhole = start === 0 && end >= (sizeBytes ?? Number.POSITIVE_INFINITY)
  let left = end - start
  for await (const chunk of isWhole && source.digest !== undefined ? verifiedBody(body, source.digest) : body) {
    const piece = chunk.length > left ? chunk.subarray(0, left) : chunk
    for (const account of accounts) book(account, 'origin', piece.length)
    yield piece
    left -= piece.length
    if (left <= 0) return
  }
}
