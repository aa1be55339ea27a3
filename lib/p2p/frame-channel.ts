import type { Stream } from '@libp2p/interface'
import { encodeDataHeader, encodeMessageFrame, FrameDecoder, type FrameHandlers } from '../../protocol/frame.ts'

/** Unsent bytes of messages beyond which the other end counts as dead or hostile. */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024

/** What the owner of a channel gets to hear. Handlers that throw close the channel with their error. */
export interface ChannelHandlers extends FrameHandlers {
  /** Bytes have come in, whatever they belong to. */
  progress?(): void
  /** The channel has ended; nothing is called afterwards. No error means that the other end closed it. */
  closed(error: Error | undefined): void
}

/** Frames over one libp2p stream. */
export interface FrameChannel {
  /** The PeerId that the handshake proved. */
  readonly peer: string
  readonly open: boolean
  /** Queues a message. When the other end has stopped reading and too much is queued, the channel is closed instead. */
  send(message: Uint8Array): void
  /**
   * Sends a block whose bytes come in pieces; resolves when the transport has room for the next. Calls must not overlap.
   * After a rejection the channel is out of step: abort it.
   */
  sendData(
    requestId: number,
    lengthBytes: number,
    pieces: AsyncIterable<Uint8Array>,
    options: { signal: AbortSignal },
  ): Promise<void>
  close(): void
  abort(error: Error): void
}

/** Puts frames on a stream. The handlers are called from now on. */
export function createFrameChannel(stream: Stream, peer: string, handlers: ChannelHandlers): FrameChannel {
  const decoder = new FrameDecoder(handlers)
  let open = true
  /** Messages that came up in the middle of a block; they follow it. Undefined while no block is being sent. */
  let afterData: Uint8Array[] | undefined

  function end(error: Error | undefined): void {
    if (!open) return
    open = false
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

  stream.addEventListener('message', event => {
    if (!open) return
    handlers.progress?.()
    try {
      for (const chunk of event.data instanceof Uint8Array ? [event.data] : event.data) decoder.push(chunk)
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
    send(message) {
      if (!open) return
      if (stream.writeBufferLength > MAX_QUEUED_BYTES) abort(new Error('the other end does not read'))
      else if (afterData !== undefined) afterData.push(message)
      else sendNow(message)
    },
    async sendData(requestId, lengthBytes, pieces, options) {
      afterData = []
      stream.send(encodeDataHeader(requestId, lengthBytes))
      for await (const piece of pieces) {
        if (!stream.send(piece)) await stream.onDrain(options)
      }
      const messages = afterData
      afterData = undefined
      for (const message of messages) sendNow(message)
    },
    close,
    abort,
  }
}
