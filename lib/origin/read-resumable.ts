import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { ByteGate } from '../limits/byte-gate.ts'
import type { Logger } from '../logger.ts'
import { type Origin, type OriginContent, type Source, taskIdOfSource } from './origin.ts'
import { boundOf } from './outbound/response-bound-error.ts'

export interface ResumeComponents {
  readonly origin: Origin
  readonly logger: Logger
  /** Counts content bytes as they arrive from the origin. */
  readonly account: (bytes: number) => void
  /** How fast a task may be read; as fast as its origin sends where there is none. */
  readonly gateOf?: (task: TaskId) => ByteGate
  /** Waits before the next try; rejects when the signal aborts. */
  readonly wait: (delayMs: number, signal: AbortSignal) => Promise<void>
}

/** Tries in a row that may bring no byte before the read gives up, and the pauses between them. */
const MAX_FRUITLESS_TRIES = 4
const FIRST_PAUSE_MS = 100

/** A read of one content that goes on after the origin broke off. */
export interface ResumableRead {
  /** Length of the whole content, when the origin told it. */
  readonly sizeBytes: number | undefined
  readonly contentType: string | undefined
  /** Strong ETag or Last-Modified of the first answer. */
  readonly validator: string | undefined
  readonly body: AsyncGenerator<Uint8Array>
}

/** What is read. */
export interface ResumableSpan {
  /** The first byte. */
  readonly start: number
  /** The byte after the last one; to the end of the content by default. */
  readonly end?: number | undefined
  readonly signal: AbortSignal
}

/**
 * Opens content at an offset. When the origin breaks off later, the read goes on with a Range request at the byte that is
 * missing, under the validator of the first answer, so that changed content is never mixed in.
 * @throws DamselflyError whatever the first open throws; the body throws ORIGIN_FAILED and its kin
 */
export async function openResumable(
  components: ResumeComponents,
  source: Source,
  span: ResumableSpan,
): Promise<ResumableRead> {
  const first = await components.origin.open(source, { ...span, validator: source.validator })
  return {
    sizeBytes: first.sizeBytes,
    contentType: first.contentType,
    validator: first.validator,
    body: readOn(components, source, span, first),
  }
}

async function* readOn(
  components: ResumeComponents,
  source: Source,
  { start, end, signal }: ResumableSpan,
  first: OriginContent,
): AsyncGenerator<Uint8Array> {
  let position = start
  let fruitless = 0
  let content: OriginContent | undefined = first
  const gate = components.gateOf?.(taskIdOfSource(source, first.validator))
  for (;;) {
    const before = position
    try {
      content ??= await components.origin.open(source, { start: position, end, signal, ...resumeCondition(first) })
      for await (const chunk of content.body) {
        components.account(chunk.length)
        position += chunk.length
        if (gate === undefined || gate.open) yield chunk
        else yield* piecesThrough(gate, chunk, signal)
      }
      return
    } catch (error) {
      // What comes too slowly goes on coming too slowly.
      fruitless = position > before && boundOf(error) === undefined ? 0 : fruitless + 1
      if (signal.aborted || fruitless >= MAX_FRUITLESS_TRIES || !isRetryable(error)) throw error
      if (position === first.sizeBytes || position === end) return
      components.logger.debug({ position, error }, 'origin broke off, resuming')
    } finally {
      content?.close()
      content = undefined
    }
    await components.wait(FIRST_PAUSE_MS * 2 ** fruitless, signal)
  }
}

/** Gives a chunk bit by bit; the next one is not read before. @throws the signal's reason */
async function* piecesThrough(gate: ByteGate, chunk: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < chunk.length; ) {
    const end = start + (gate.open ? chunk.length - start : await gate.take(chunk.length - start, signal))
    signal.throwIfAborted()
    yield chunk.subarray(start, end)
    start = end
  }
}

function resumeCondition(first: OriginContent): { validator?: string } {
  return first.validator === undefined ? {} : { validator: first.validator }
}

function isRetryable(error: unknown): boolean {
  const bound = boundOf(error)
  return error instanceof DamselflyError && error.retryable && (bound === undefined || bound === 'rate')
}
