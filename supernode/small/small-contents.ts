import type { Source } from '../../lib/origin/origin.ts'
import { openResumable, type ResumableRead, type ResumeComponents } from '../../lib/origin/read-resumable.ts'
import { digestAlgorithm, digestOf } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { SMALL_CONTENT_BYTES } from '../../protocol/small-content.ts'
import { digestOfTask, type TaskId } from '../../protocol/task.ts'
import type { SmallContent, SmallContentStore } from './small-content-store.ts'

export interface SmallContentsComponents {
  readonly store: SmallContentStore
  readonly resume: ResumeComponents
}

/** Small contents, each read from its origin once however many ask for it. */
export class SmallContents {
  readonly #components: SmallContentsComponents
  readonly #reads = new Map<TaskId, Promise<SmallContent>>()
  #stopping = new AbortController()

  constructor(components: SmallContentsComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the supernode is stopping'))
    await Promise.allSettled(this.#reads.values())
  }

  /** Content that is here. */
  async held(taskId: TaskId): Promise<SmallContent | undefined> {
    return (await this.#reads.get(taskId)?.catch(() => undefined)) ?? this.#components.store.get(taskId)
  }

  /** Content that is here as the read of an origin, for whoever reads that. */
  async heldRead(taskId: TaskId): Promise<ResumableRead | undefined> {
    const content = await this.held(taskId)
    return content === undefined ? undefined : readOf(content)
  }

  /**
   * The content of a source whose origin has said that it is small.
   * @throws DamselflyError what the origin says; SIZE_INVALID when it is not small after all; CONTENT_CORRUPT; STORE_FAILED
   */
  async get(taskId: TaskId, source: Source): Promise<SmallContent> {
    const reading = this.#reads.get(taskId)
    if (reading !== undefined) return reading
    const read = this.#getNow(taskId, source).finally(() => this.#reads.delete(taskId))
    this.#reads.set(taskId, read)
    return read
  }

  async #getNow(taskId: TaskId, source: Source): Promise<SmallContent> {
    const { store, resume } = this.#components
    const held = await store.get(taskId)
    if (held !== undefined) return held
    const { body, contentType } = await openResumable(resume, source, { start: 0, signal: this.#stopping.signal })
    const content = { bytes: await readSmall(body), contentType }
    const digest = digestOfTask(taskId)
    if (digest !== undefined && digestOf(content.bytes, digestAlgorithm(digest)) !== digest) {
      throw new DamselflyError('CONTENT_CORRUPT', 'what the origin sent has another digest')
    }
    await store.put(taskId, content)
    return content
  }
}

async function readSmall(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (sizeBytes > SMALL_CONTENT_BYTES) {
      throw new DamselflyError('SIZE_INVALID', 'the origin sent more than it had announced')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function readOf({ bytes, contentType }: SmallContent): ResumableRead {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  return { sizeBytes: bytes.length, contentType, validator: undefined, body: body() }
}
