import type { Logger } from '../../../lib/logger.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { openResumable, type ResumeComponents } from '../../../lib/origin/read-resumable.ts'
import { toDamselflyError } from '../../../protocol/errors.ts'
import type { TaskId } from '../../../protocol/task.ts'
import { type Account, emptyAccount } from './account.ts'
import type { Assembly } from './assembly.ts'
import type { Readers } from './readers.ts'

/** Which bytes to read; to the end of the content by default. `end` is exclusive. */
export interface ReadRange {
  readonly start: number
  readonly end?: number | undefined
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
  /**
   * Reads in order, from the first verified byte on. A piece is valid until the next one is asked for. When the swarm or the store fails on the way, the read goes on from the
   * origin at the byte where it is.
   * @throws DamselflyError only when the origin fails too, or CONTENT_CORRUPT in the middle; the signal's reason
   */
  read(range: ReadRange, options: { signal: AbortSignal }): AsyncGenerator<Uint8Array>
}

export interface TaskContentComponents {
  readonly source: Source
  readonly resume: ResumeComponents
  readonly logger: Logger
  readonly contentType: string | undefined
}

/** Content that comes together in an assembly. */
export function assembledContent(components: TaskContentComponents, assembly: Assembly, readers: Readers): TaskContent {
  return {
    taskId: assembly.taskId,
    sizeBytes: assembly.sizeBytes,
    contentType: components.contentType,
    account: assembly.account,
    async *read(range, { signal }) {
      let position = range.start
      try {
        for await (const piece of readAssembly(assembly, readers, range, signal)) {
          // Whoever reads the whole gets its end only when the whole is what its digest says.
          if (range.start === 0 && position + piece.length === assembly.sizeBytes) await assembly.done
          position += piece.length
          yield piece
        }
      } catch (error) {
        if (signal.aborted) throw error
        const { code } = toDamselflyError(error)
        // To wrong bytes that are out already no right ones can be added.
        if (code === 'CONTENT_CORRUPT' && position > range.start) throw error
        components.logger.warn({ taskId: assembly.taskId, code, position }, 'read goes on from the origin')
        yield* passThrough(components, { ...range, start: position }, assembly.account, signal)
      }
    },
  }
}

/** Content that cannot be stored here: every read is one of the origin. @param sizeBytes if known */
export function passedThroughContent(components: TaskContentComponents, sizeBytes: number | undefined): TaskContent {
  const account = emptyAccount()
  return {
    taskId: undefined,
    sizeBytes,
    contentType: components.contentType,
    account,
    read: (range, { signal }) => passThrough(components, range, account, signal),
  }
}

async function* readAssembly(
  assembly: Assembly,
  readers: Readers,
  { start, end = Number.POSITIVE_INFINITY }: ReadRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { blockSizeBytes } = assembly
  const reader = readers.add(Math.floor(start / blockSizeBytes))
  try {
    for (let position = start; position < end; ) {
      reader.head = Math.floor(position / blockSizeBytes)
      const blockStart = reader.head * blockSizeBytes
      if (assembly.present.has(reader.head)) {
        const blockEnd = Math.min(assembly.lengthOf(reader.head), end - blockStart)
        if (position - blockStart >= blockEnd) return
        for await (const piece of assembly.stored(reader.head, position - blockStart, blockEnd)) {
          yield piece
          position += piece.length
        }
        continue
      }
      const { bytes, release } = await assembly.block(reader.head, { signal })
      const piece = bytes.subarray(position - blockStart, Math.min(bytes.length, end - blockStart))
      if (piece.length === 0) return
      yield piece
      release()
      position += piece.length
    }
  } finally {
    reader.release()
  }
}

async function* passThrough(
  { source, resume }: TaskContentComponents,
  { start, end = Number.POSITIVE_INFINITY }: ReadRange,
  account: Account,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (start >= end) return
  const { body } = await openResumable(resume, source, start, signal)
  let left = end - start
  for await (const chunk of body) {
    const piece = chunk.length > left ? chunk.subarray(0, left) : chunk
    account.originBytes += piece.length
    yield piece
    left -= piece.length
    if (left <= 0) return
  }
}
