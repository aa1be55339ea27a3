import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import {
  encodeCut,
  encodeDataHeader,
  encodeMessageFrame,
  encodeMoreHeader,
  FrameDecoder,
  type FrameHandlers,
} from '../../protocol/frame.ts'
import type { ByteGate } from '../limits/byte-gate.ts'
import { takeBytes } from './direct-source.ts'
import { GatedInput } from './gated-input.ts'

/** Unsent bytes of messages beyond which the other end counts as dead or hostile. */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024

/** What the owner of a channel gets to hear. Handlers that throw close the channel with their error. */
export interface ChannelHandlers extends FrameHandlers {
  /** Bytes have come in, whatever they belong to. */
  progress?(): void
  /** How fast data is taken in; as fast as it comes where there is none. The other end is made to wait meanwhile. */
  readonly gate?: ByteGate
  /** The channel has ended; nothing is called afterwards. No error means that the other end closed it. */
  closed(error: Error | undefined): void
}

/** Frames over one libp2p stream. */
export interface FrameChannel {
  /** The PeerId that the handshake proved. */
  readonly peer: string
  readonly open: boolean
  /** What was sent and waits here, because the other end does not take it. */
  readonly unsentBytes: number
  /** Whether data has come that waits at the gate. */
  readonly holdsData: boolean
  /** Queues a message. When the other end has stopped reading and too much is queued, the channel is closed instead. */
  send(message: Uint8Array): void
  /**
   * Sends a block whose bytes come in pieces, with messages between them. A piece may be used again when the next is asked for. When
   * the pieces end before the block does, the other end is told. Calls must not overlap.
   * @throws Error when the channel has ended, and what `pieces` throws; then abort it
   */
  sendData(requestId: number, lengthBytes: number, pieces: AsyncIterable<Uint8Array>): Promise<void>
  close(): void
  abort(error: Error): void
}

/** Puts frames on a stream. The handlers are called from now on. */
export function createFrameChannel(stream: Stream, peer: string, handlers: ChannelHandlers): FrameChannel {
  const decoder = new FrameDecoder(handlers)
  const ended = new AbortController()
  const { gate, progress = () => {} } = handlers
  const input =
    gate === undefined
      ? undefined
      : new GatedInput({ stream, decoder, gate, progress, failed: abort, signal: ended.signal })
  let open = true
  /** Goes on with the data that waits for room. */
  let drained: (() => void) | undefined

  function end(error: Error | undefined): void {
    if (!open) return
    open = false
    ended.abort()
    wake()
    handlers.closed(error)
  }

  function abort(error: Error): void {
    stream.abort(error)
    end(error)
  }

  function close(): void {
    // A stream whose other end is gone cannot be closed in order; ending it here is all that is wanted.
    stream.close().catch(error => stream.abort(error))
    end(undefined)
  }

  function sendNow(message: Uint8Array): void {
    try {
      stream.send(encodeMessageFrame(message))
    } catch (error) {
      abort(error as Error)
    }
  }

  /** Waits until the stream has passed on all that it was given: the kernel still has some to send. @throws Error when the channel has ended */
  async function roomForMore(): Promise<void> {
    while (stream.writeBufferLength > 0) {
      if (!open) throw new Error('the channel has ended')
      await new Promise<void>(resolve => {
        drained = resolve
      })
    }
  }

  function wake(): void {
    drained?.()
  }

  // libp2p's own `onDrain` waits for the first drain in the life of a stream, and not at all later on.
  stream.addEventListener('drain', wake)
  takeBytes(stream, bytes => {
    if (!open) return
    progress()
    try {
      if (input !== undefined) input.push(bytes)
      else decoder.push(bytes)
    } catch (error) {
      abort(error as Error)
    }
  })
  stream.addEventListener('remoteCloseWrite', close)
  stream.addEventListener('close', event => end(event.error))

  return {
    peer,
    get open() {
      return open
    },
    get unsentBytes() {
      return stream.writeBufferLength
    },
    get holdsData() {
      return input?.waits ?? false
    },
    send(message) {
      if (!open) return
      if (stream.writeBufferLength > MAX_QUEUED_BYTES) abort(new Error('the other end does not read'))
      else sendNow(message)
    },
    async sendData(requestId, lengthBytes, pieces) {
      let sentBytes = 0
      for await (const piece of pieces) {
        const isFirst = sentBytes === 0
        const header = isFirst ? encodeDataHeader(requestId, lengthBytes, piece.length) : encodeMoreHeader(piece.length)
        stream.send(new Uint8ArrayList(header, piece))
        sentBytes += piece.length
        await roomForMore()
      }
      if (sentBytes === 0) stream.send(encodeDataHeader(requestId, lengthBytes, 0))
      if (sentBytes < lengthBytes) stream.send(encodeCut())
    },
    close,
    abort,
  }
}
