import { MAX_BLOCK_BYTES } from './block-size.ts'
import { DamselflyError } from './errors.ts'

/*
 * A frame on every stream of ours: length of the body (u32, big-endian), kind (u8), body.
 *   kind 0, message: one CBOR-encoded message
 *   kind 1, data: request id (u32, big-endian), then the bytes of a block
 */
const HEADER_BYTES = 5
const REQUEST_ID_BYTES = 4
const KIND_MESSAGE = 0
const KIND_DATA = 1

/** Longest message that either end accepts, in bytes. */
export const MAX_MESSAGE_BYTES = 256 * 1024

/** What a decoder hands out. Called in the order of the stream. */
export interface FrameHandlers {
  /** A whole message. The bytes belong to the handler. */
  message(bytes: Uint8Array): void
  /** Data begins: returns the buffer of exactly `lengthBytes` that receives it, or undefined to throw the data away. */
  dataStart(requestId: number, lengthBytes: number): Uint8Array | undefined
  /** The buffer given at `dataStart` is full. */
  dataEnd(requestId: number): void
}

/** The frame of a message. */
export function encodeMessageFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + message.length)
  writeHeader(frame, KIND_MESSAGE, message.length)
  frame.set(message, HEADER_BYTES)
  return frame
}

/** What goes before the bytes of a block, so that the block itself need not be copied. */
export function encodeDataHeader(requestId: number, lengthBytes: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES + REQUEST_ID_BYTES)
  writeHeader(header, KIND_DATA, REQUEST_ID_BYTES + lengthBytes)
  new DataView(header.buffer).setUint32(HEADER_BYTES, requestId)
  return header
}

/**
 * Cuts a byte stream into frames, whatever chunks it arrives in. Data goes straight into the buffers of the handler.
 * After an error the stream is out of step and must be closed.
 */
export class FrameDecoder {
  readonly #handlers: FrameHandlers
  readonly #head = new Uint8Array(HEADER_BYTES + REQUEST_ID_BYTES)
  #headLength = 0
  #headWanted = HEADER_BYTES
  #body: Uint8Array | undefined
  #bodyFilled = 0
  #bodyLength = -1
  #requestId: number | undefined

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers
  }

  /** How many of the next bytes are data; 0 where something else is expected. */
  get dataLeft(): number {
    return this.#requestId === undefined || this.#bodyLength < 0 ? 0 : this.#bodyLength - this.#bodyFilled
  }

  /** Takes the next chunk. @throws DamselflyError FRAME_TOO_LARGE, MESSAGE_INVALID (unknown kind) */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) at += this.#take(chunk, at)
  }

  /** Takes the bytes of a chunk that come before the next data. @returns how many. @throws as `push` does */
  pushUpToData(chunk: Uint8Array): number {
    let at = 0
    while (at < chunk.length && this.dataLeft === 0) at += this.#take(chunk, at)
    return at
  }

  #take(chunk: Uint8Array, at: number): number {
    return this.#bodyLength < 0 ? this.#takeHead(chunk, at) : this.#takeBody(chunk, at)
  }

  #takeHead(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#headWanted - this.#headLength, chunk.length - at)
    this.#head.set(chunk.subarray(at, at + taken), this.#headLength)
    this.#headLength += taken
    if (this.#headLength === this.#headWanted) this.#beginBody()
    return taken
  }

  #beginBody(): void {
    const view = new DataView(this.#head.buffer)
    const length = view.getUint32(0)
    const kind = view.getUint8(4)
    if (kind === KIND_MESSAGE) {
      if (length > MAX_MESSAGE_BYTES) throw tooLarge(length, MAX_MESSAGE_BYTES)
      this.#enterBody(length, undefined, new Uint8Array(length))
    } else if (kind !== KIND_DATA) {
      throw new DamselflyError('MESSAGE_INVALID', `unknown frame kind ${kind}`)
    } else if (length > MAX_BLOCK_BYTES + REQUEST_ID_BYTES) {
      throw tooLarge(length, MAX_BLOCK_BYTES + REQUEST_ID_BYTES)
    } else if (length < REQUEST_ID_BYTES) {
      throw new DamselflyError('MESSAGE_INVALID', 'a data frame without a request id')
    } else if (this.#headWanted === HEADER_BYTES) {
      this.#headWanted = HEADER_BYTES + REQUEST_ID_BYTES
    } else {
      const dataLength = length - REQUEST_ID_BYTES
      const requestId = view.getUint32(HEADER_BYTES)
      this.#enterBody(dataLength, requestId, this.#handlers.dataStart(requestId, dataLength))
    }
  }

  #enterBody(length: number, requestId: number | undefined, body: Uint8Array | undefined): void {
    this.#bodyLength = length
    this.#bodyFilled = 0
    this.#requestId = requestId
    this.#body = body
    if (length === 0) this.#endBody()
  }

  #takeBody(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#bodyLength - this.#bodyFilled, chunk.length - at)
    this.#body?.set(chunk.subarray(at, at + taken), this.#bodyFilled)
    this.#bodyFilled += taken
    if (this.#bodyFilled === this.#bodyLength) this.#endBody()
    return taken
  }

  #endBody(): void {
    const body = this.#body
    const requestId = this.#requestId
    this.#body = undefined
    this.#bodyLength = -1
    this.#headLength = 0
    this.#headWanted = HEADER_BYTES
    if (requestId !== undefined) this.#handlers.dataEnd(requestId)
    else if (body !== undefined) this.#handlers.message(body)
  }
}

function writeHeader(target: Uint8Array, kind: number, length: number): void {
  const view = new DataView(target.buffer, target.byteOffset)
  view.setUint32(0, length)
  view.setUint8(4, kind)
}

function tooLarge(length: number, limit: number): DamselflyError {
  return new DamselflyError('FRAME_TOO_LARGE', `${length} bytes announced, at most ${limit} allowed`)
}
