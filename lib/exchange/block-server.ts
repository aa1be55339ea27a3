import type { Stream } from '@libp2p/interface'
import { DamselflyError } from '../../protocol/errors.ts'
import {
  type BlockRefusal,
  type BlockRequest,
  blockRefusalCodec,
  blockRequestCodec,
} from '../../protocol/messages/block-exchange.ts'
import { BLOCK_PROTOCOL } from '../../protocol/protocol-ids.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { TicketVerifier } from '../../protocol/ticket.ts'
import type { BlockBuffer } from '../blocks/block-buffers.ts'
import type { Clock } from '../clock.ts'
import type { BackgroundGate } from '../limits/background-gate.ts'
import type { RateLimit } from '../limits/rate-limit.ts'
import type { UploadSlot, UploadSlots } from '../limits/upload-slots.ts'
import type { Logger } from '../logger.ts'
import { createFrameChannel, type FrameChannel } from '../p2p/frame-channel.ts'
import type { P2pNode } from '../p2p/p2p-node.ts'

/** Requests that one peer may have waiting on a stream. A peer that asks for more does not keep to the protocol. */
const MAX_WAITING_REQUESTS = 256

/** Blocks are read and sent in pieces of this size, so that memory grows with the number of readers, not of blocks. */
const PIECE_BYTES = 512 * 1024

/** A receiver that takes nothing of what is sent for so long has gone, or means harm: its stream ends, with the memory that it holds. */
const DEAD_RECEIVER_MS = 120_000
const LOOK_MS = 15_000

/** Without a reason an abort makes an error with a stack, each time. */
const LOOK_AGAIN = 'the order of what is to be sent has changed'

/** Where a block server finds its blocks. */
export interface BlockSource {
  /** Length of a block in bytes, or undefined when it is not held. */
  lengthOf(task: TaskId, block: number): Promise<number | undefined>
  /** Reads a slice of a held block. The caller holds it. */
  read(task: TaskId, block: number, offset: number, length: number): Promise<BlockBuffer>
}

/** What all block streams of a process may use together. */
export interface UploadLimits {
  readonly rate: RateLimit
  readonly slots: UploadSlots
}

/** What is known of who waits for what is asked for. */
export interface UploadPriority {
  /** Whether nobody waits for a task at a peer. */
  isBackground(task: TaskId, peer: string): boolean
  /** For those of which nobody waits, of the whole process. */
  readonly gate: BackgroundGate
}

export interface BlockServerComponents {
  readonly node: P2pNode
  readonly source: BlockSource
  readonly limits: UploadLimits
  /** Absent where nothing is known of it: then all is the same. */
  readonly priority?: UploadPriority
  /** Undefined until the cluster's key is known; until then nobody is served. */
  readonly ticketVerifier: () => TicketVerifier | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** Called with what was sent, and with each refusal's reason. */
  readonly account: { sent(task: TaskId, peer: string, bytes: number): void; refused(reason: string): void }
}

/** Answers the block streams of other peers: to whoever shows a ticket, one block after the other on each stream. */
export async function serveBlocks(components: BlockServerComponents): Promise<void> {
  await components.node.handle(BLOCK_PROTOCOL, (stream, peer) => serveStream(components, stream, peer))
}

type BlockRun = Extract<BlockRequest, { type: 'get' }>

interface Waiting {
  readonly id: number
  readonly task: TaskId
  readonly block: number
}

/** What is being sent. */
interface Sending extends Waiting {
  readonly lengthBytes: number
  sentBytes: number
  isWanted: boolean
}

function serveStream(components: BlockServerComponents, stream: Stream, peer: string): void {
  const ended = new AbortController()
  const admitted = new Set<TaskId>()
  const waiting: Waiting[] = []
  let isBusy = false
  let sending: Sending | undefined
  /** Ends the wait of what nobody waits for, to look at it anew. */
  let gated = new AbortController()

  const channel: FrameChannel = createFrameChannel(stream, peer, {
    message: bytes => receive(blockRequestCodec.decode(bytes)),
    dataStart() {
      throw new DamselflyError('MESSAGE_INVALID', 'a peer that asks for blocks sends no data')
    },
    dataEnd() {},
    dataCut() {},
    closed(error) {
      ended.abort()
      if (error instanceof DamselflyError) components.account.refused(error.code)
      if (error !== undefined) components.logger.debug({ peer, error }, 'block stream failed')
    },
  })

  function receive(request: BlockRequest): void {
    if (request.type === 'open') admit(request.task, request.ticket)
    else if (request.type === 'cancel') cancel(request.id)
    else if (!admitted.has(request.task)) refuse(request, 'denied')
    else enqueue(request)
  }

  function enqueue(run: BlockRun): void {
    const taken = Math.min(run.count, MAX_WAITING_REQUESTS - waiting.length)
    for (let at = 0; at < taken; at++) waiting.push({ id: run.id + at, task: run.task, block: run.block + at })
    if (!isBackground(run)) gated.abort(LOOK_AGAIN)
    if (taken > 0 && !isBusy) void sendWaiting()
    if (taken < run.count) refuse({ id: run.id + taken, count: run.count - taken }, 'busy')
  }

  function admit(task: TaskId, ticket: string): void {
    const verifier = components.ticketVerifier()
    try {
      verifier?.verify(ticket, { task, peer }, components.clock.wallTime())
      if (verifier !== undefined) admitted.add(task)
    } catch (error) {
      components.account.refused('TICKET_INVALID')
      components.logger.debug({ peer, task, error }, 'ticket refused')
    }
  }

  function cancel(id: number): void {
    const at = waiting.findIndex(request => request.id === id)
    if (at >= 0) waiting.splice(at, 1)
    else if (sending?.id === id) {
      sending.isWanted = false
      gated.abort(LOOK_AGAIN)
    }
  }

  /** One answer for all requests of a run, so that what is refused costs no more than what is asked. */
  function refuse({ id, count }: Pick<BlockRun, 'id' | 'count'>, reason: BlockRefusal['reason']): void {
    components.account.refused(reason)
    channel.send(blockRefusalCodec.encode({ type: 'refused', id, count, reason }))
  }

  async function sendWaiting(): Promise<void> {
    isBusy = true
    try {
      while (waiting.length > 0 && channel.open) await sendNext()
    } catch (error) {
      channel.abort(error as Error)
    } finally {
      isBusy = false
    }
  }

  function isBackground({ task }: Pick<Waiting, 'task'>): boolean {
    return components.priority?.isBackground(task, peer) === true
  }

  async function sendNext(): Promise<void> {
    const slot = components.limits.slots.create()
    const end = waiting.some(request => !isBackground(request)) ? components.priority?.gate.awaited() : undefined
    try {
      const taken = await slot.take(ended.signal)
      // What was asked for may have been cancelled meanwhile.
      const next = taken ? waiting.shift() : undefined
      if (next !== undefined) await sendBlock(next, slot)
    } finally {
      slot.release()
      end?.()
    }
  }

  /** How much of a block may go next, 0 to look again. What is waited for behind it on this stream need not wait for its turn. */
  async function piecePermitted(current: Sending, slot: UploadSlot): Promise<number> {
    const wanted = Math.min(PIECE_BYTES, current.lengthBytes - current.sentBytes)
    const gate = components.priority?.gate
    if (gate === undefined || gate.open) return wanted
    if (!isBackground(current) || waiting.some(request => !isBackground(request))) return wanted
    slot.release()
    gated = new AbortController()
    const signal = AbortSignal.any([ended.signal, gated.signal])
    return gate.take(wanted, signal, { goesOn: current.sentBytes > 0 })
  }

  async function sendBlock(request: Waiting, slot: UploadSlot): Promise<void> {
    const { id, task } = request
    const lengthBytes = await lengthOf(request)
    if (lengthBytes === undefined) {
      refuse({ id, count: 1 }, 'missing')
      return
    }
    const current = { ...request, lengthBytes, sentBytes: 0, isWanted: true }
    sending = current
    const stopWatching = watchReceiver()
    try {
      await channel.sendData(id, lengthBytes, pieces(current, slot))
    } finally {
      stopWatching()
      sending = undefined
      components.account.sent(task, peer, current.sentBytes)
    }
  }

  /** Any byte that is taken counts, since a receiver may be limited to few. @returns ends the watch */
  function watchReceiver(): () => void {
    const { clock } = components
    let movedAtMs = clock.now()
    let unsentBefore = 0
    return clock.every(LOOK_MS, () => {
      const { unsentBytes } = channel
      if (unsentBytes === 0 || unsentBytes !== unsentBefore) movedAtMs = clock.now()
      unsentBefore = unsentBytes
      if (clock.now() - movedAtMs < DEAD_RECEIVER_MS) return
      components.account.refused('receiver-dead')
      channel.abort(new Error('the other end takes nothing'))
    })
  }

  /** What cannot be read is as good as missing; other blocks on this stream may be read all the same. */
  async function lengthOf({ task, block }: Waiting): Promise<number | undefined> {
    try {
      return await components.source.lengthOf(task, block)
    } catch (error) {
      components.logger.debug({ task, block, error }, 'a block cannot be read')
      return undefined
    }
  }

  async function readPiece({ task, block, sentBytes }: Sending, length: number): Promise<BlockBuffer | undefined> {
    try {
      return await components.source.read(task, block, sentBytes, length)
    } catch (error) {
      components.logger.debug({ task, block, error }, 'a block cannot be read to its end')
      return undefined
    }
  }

  async function* pieces(current: Sending, slot: UploadSlot): AsyncGenerator<Uint8Array> {
    const { lengthBytes } = current
    const { signal } = ended
    const { rate } = components.limits
    while (current.sentBytes < lengthBytes && current.isWanted) {
      const wanted = await piecePermitted(current, slot)
      signal.throwIfAborted()
      if (wanted === 0) continue
      if (!slot.held) await slot.take(signal)
      const granted = rate.open ? wanted : await rate.take(wanted, signal)
      signal.throwIfAborted()
      const piece = await readPiece(current, granted)
      if (piece === undefined) return
      current.sentBytes += granted
      if (!isBackground(current)) components.priority?.gate.sent(granted)
      slot.receiverWaitBegins()
      yield piece.bytes
      // One that was broken off may still be on its way; it is not used again.
      piece.release()
      slot.receiverWaitEnds()
    }
  }
}
