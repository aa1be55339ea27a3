import type { BlockBuffer, BlockBuffers } from '../../../lib/blocks/block-buffers.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { ByteGate } from '../../../lib/limits/byte-gate.ts'
import { createFrameChannel, type FrameChannel } from '../../../lib/p2p/frame-channel.ts'
import type { P2pNode } from '../../../lib/p2p/p2p-node.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { blockRefusalCodec, blockRequestCodec } from '../../../protocol/messages/block-exchange.ts'
import type { PeerAddress } from '../../../protocol/messages/fields.ts'
import { BLOCK_PROTOCOL } from '../../../protocol/protocol-ids.ts'
import type { TaskId } from '../../../protocol/task.ts'
import { appendToRuns, type BlockRun } from './block-runs.ts'
import type { BlockWant } from './block-want.ts'
import type { DownloadLimits } from './download-limits.ts'

export interface BlockStreamComponents {
  readonly node: P2pNode
  readonly clock: Clock
  readonly buffers: BlockBuffers
  readonly limits: DownloadLimits
}

interface Pending {
  readonly task: TaskId
  readonly maxBytes: number
  readonly resolve: (block: BlockBuffer) => void
  readonly reject: (error: Error) => void
}

const DIAL_TIMEOUT_MS = 3_000

/** Asks one peer for blocks, over one stream that is opened at the first request and again after it broke. */
export class BlockStream {
  readonly #components: BlockStreamComponents
  readonly #peer: PeerAddress
  readonly #pending = new Map<number, Pending>()
  readonly #shown = new Set<TaskId>()
  /** What is asked for in this turn: blocks that follow each other become one request. */
  readonly #asked: BlockRun[] = []
  readonly #gate: ByteGate
  /** Whose bytes are coming in; undefined when the block is not wanted any more. */
  #receiving: TaskId | undefined
  /** What they come into. */
  #buffer: BlockBuffer | undefined
  #channel: Promise<FrameChannel> | undefined
  #open: FrameChannel | undefined
  #nextId = 0
  #progressAt = 0

  constructor(components: BlockStreamComponents, peer: PeerAddress) {
    this.#components = components
    this.#peer = peer
    this.#gate = components.limits.gate(() => this.#receiving)
  }

  /** How many requests wait for an answer. */
  get waiting(): number {
    return this.#pending.size
  }

  /** Whether a request for the task waits. */
  serves(task: TaskId): boolean {
    for (const pending of this.#pending.values()) if (pending.task === task) return true
    return false
  }

  /**
   * For how many milliseconds requests have been waiting without a byte from the peer; 0 when none waits, and while it is our
   * limits that bytes wait for.
   */
  get silentMs(): number {
    if (this.#pending.size === 0 || this.#open?.holdsData === true) return 0
    return this.#components.clock.now() - this.#progressAt
  }

  /**
   * Fetches a block. The bytes are not verified. The caller holds the buffer.
   * @throws DamselflyError MESSAGE_INVALID (the peer broke the protocol), TICKET_INVALID (refused), TASK_UNKNOWN (not held);
   * an Error when the connection fails; the signal's reason
   */
  async fetch(want: BlockWant, { signal }: { signal: AbortSignal }): Promise<BlockBuffer> {
    const id = this.#nextId++
    if (this.#pending.size === 0) this.#progressAt = this.#components.clock.now()
    const answered = new Promise<BlockBuffer>((resolve, reject) => {
      this.#pending.set(id, { task: want.task, maxBytes: want.maxBytes, resolve, reject })
    })
    const onAbort = () => this.#cancel(id, signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      signal.throwIfAborted()
      this.#channel ??= this.#dial()
      this.#channel.then(
        channel => this.#request(channel, id, want),
        error => this.#pending.get(id)?.reject(error),
      )
      return await answered
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#pending.delete(id)
    }
  }

  close(): void {
    const channel = this.#channel
    this.#end(new Error('closed'))
    channel?.then(open => open.close()).catch(() => {})
  }

  #request(channel: FrameChannel, id: number, { task, ticket, block }: BlockWant): void {
    if (!this.#pending.has(id)) return
    if (!this.#shown.has(task)) {
      this.#shown.add(task)
      channel.send(blockRequestCodec.encode({ type: 'open', task, ticket }))
    }
    if (this.#asked.length === 0) queueMicrotask(() => this.#sendAsked(channel))
    appendToRuns(this.#asked, { id, task, block })
  }

  #sendAsked(channel: FrameChannel): void {
    for (const run of this.#asked.splice(0)) channel.send(blockRequestCodec.encode({ type: 'get', ...run }))
  }

  #cancel(id: number, reason: Error): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    pending.reject(reason)
    this.#channel?.then(channel => this.#sendCancel(channel, id)).catch(() => {})
  }

  /** After the request itself, which may not have left yet. */
  #sendCancel(channel: FrameChannel, id: number): void {
    this.#sendAsked(channel)
    channel.send(blockRequestCodec.encode({ type: 'cancel', id }))
  }

  async #dial(): Promise<FrameChannel> {
    this.#shown.clear()
    try {
      const stream = await this.#components.node.dial(this.#peer, BLOCK_PROTOCOL, {
        signal: AbortSignal.timeout(DIAL_TIMEOUT_MS),
      })
      const channel = createFrameChannel(stream, this.#peer.id, {
        gate: this.#gate,
        progress: () => {
          this.#progressAt = this.#components.clock.now()
        },
        message: bytes => this.#refused(bytes),
        dataStart: (id, length) => this.#begin(id, length),
        dataEnd: id => this.#finish(id),
        dataCut: id => this.#cut(id),
        closed: error => this.#end(error ?? new Error('the peer closed the stream')),
      })
      this.#open = channel
      return channel
    } catch (error) {
      this.#end(error as Error)
      throw error
    }
  }

  #begin(id: number, lengthBytes: number): Uint8Array | undefined {
    const pending = this.#pending.get(id)
    this.#receiving = pending?.task
    if (pending === undefined) return undefined
    if (lengthBytes > pending.maxBytes) throw new DamselflyError('MESSAGE_INVALID', 'a block longer than asked for')
    this.#buffer = this.#components.buffers.take(lengthBytes)
    return this.#buffer.bytes
  }

  #finish(id: number): void {
    const buffer = this.#takeBuffer()
    const pending = this.#pending.get(id)
    if (buffer !== undefined && pending !== undefined) pending.resolve(buffer)
    else buffer?.release()
  }

  #cut(id: number): void {
    this.#takeBuffer()?.release()
    this.#pending.get(id)?.reject(new Error('the peer broke a block off'))
  }

  #takeBuffer(): BlockBuffer | undefined {
    const buffer = this.#buffer
    this.#buffer = undefined
    return buffer
  }

  #refused(bytes: Uint8Array): void {
    const { id, count, reason } = blockRefusalCodec.decode(bytes)
    // The next request shows the ticket again: it may be a newer one, or the other end may know the cluster's key by then.
    if (reason === 'denied') this.#shown.clear()
    const code = reason === 'denied' ? 'TICKET_INVALID' : 'TASK_UNKNOWN'
    for (let at = id; at < id + count; at++) {
      this.#pending.get(at)?.reject(new DamselflyError(code, `the peer answered "${reason}"`))
    }
  }

  #end(error: Error): void {
    this.#channel = undefined
    this.#open = undefined
    this.#buffer = undefined
    this.#asked.length = 0
    for (const pending of this.#pending.values()) pending.reject(error)
    this.#pending.clear()
  }
}
