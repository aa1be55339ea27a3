import type { BlockBuffer } from '../../../lib/blocks/block-buffers.ts'
import type { PeerAddress } from '../../../protocol/messages/fields.ts'
import type { TaskId } from '../../../protocol/task.ts'
import { BlockStream, type BlockStreamComponents } from './block-stream.ts'
import type { BlockWant } from './block-want.ts'

export type { BlockWant } from './block-want.ts'

/** Fewer than the streams that the other end accepts, since those that broke may overlap with new ones. */
const MAX_STREAMS = 4

/**
 * Asks one peer for blocks. They all come over one stream, unless each task has a limit: then one that is held back must not
 * hold back the others, and tasks have streams of their own as far as there are enough.
 */
export class BlockClient {
  readonly #components: BlockStreamComponents
  readonly #peer: PeerAddress
  readonly #streams: BlockStream[] = []

  constructor(components: BlockStreamComponents, peer: PeerAddress) {
    this.#components = components
    this.#peer = peer
  }

  /**
   * For how many milliseconds requests have been waiting without a byte from the peer; 0 when none waits, and while it is our
   * limits that bytes wait for.
   */
  get silentMs(): number {
    let silentMs = Number.POSITIVE_INFINITY
    for (const stream of this.#streams) if (stream.waiting > 0) silentMs = Math.min(silentMs, stream.silentMs)
    return silentMs === Number.POSITIVE_INFINITY ? 0 : silentMs
  }

  /**
   * Fetches a block. The bytes are not verified. The caller holds the buffer.
   * @throws DamselflyError MESSAGE_INVALID (the peer broke the protocol), TICKET_INVALID (refused), TASK_UNKNOWN (not held);
   * an Error when the connection fails; the signal's reason
   */
  fetch(want: BlockWant, options: { signal: AbortSignal }): Promise<BlockBuffer> {
    return this.#streamFor(want.task).fetch(want, options)
  }

  close(): void {
    for (const stream of this.#streams) stream.close()
  }

  #streamFor(task: TaskId): BlockStream {
    const [first] = this.#streams
    if (first !== undefined && !this.#components.limits.differs) return first
    const usable =
      this.#streams.find(stream => stream.serves(task)) ?? this.#streams.find(({ waiting }) => waiting === 0)
    if (usable !== undefined) return usable
    if (this.#streams.length >= MAX_STREAMS) return this.#streams.reduce((a, b) => (b.waiting < a.waiting ? b : a))
    const stream = new BlockStream(this.#components, this.#peer)
    this.#streams.push(stream)
    return stream
  }
}
