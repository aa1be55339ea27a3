import { MAX_BLOCK_BYTES } from './block-size.ts'
import { copyInto } from './copy-into.ts'
import { DamselflyError } from './errors.ts'

/*
 * A frame on every stream of ours: length of the body (u32, big-endian), kind (u8), body.
 *   kind 0, message: one CBOR-encoded message
 *   kind 1, data: request id (u32, big-endian), length of the block (u32), and the first bytes of the block
 *   kind 2, more: the next bytes of the block under way
 *   kind 3, cut: nothing; the rest of the block under way does not come
 */
const HEADER_BYTES = 5
const BLOCK_HEAD_BYTES = 8
const KIND_MESSAGE = 0
const KIND_DATA = 1
const KIND_MORE = 2
const KIND_CUT = 3

/** Longest message that either end accepts, in bytes. */
export const MAX_MESSAGE_BYTES = 256 * 1024

/** What a decoder hands out. Called in the order of the stream. */
export interface FrameHandlers {
  /** A whole message. The bytes belong to the handler. */
  message(bytes: Uint8Array): void
  /** A block begins: returns the buffer of exactly `lengthBytes` that receives it, or undefined to throw the data away. */
  dataStart(requestId: number, lengthBytes: number): Uint8Array | undefined
  /** The buffer given at `dataStart` is full. */
  dataEnd(requestId: number): void
  /** The rest of the block does not come. */
  dataCut(requestId: number): void
}

/** The frame of a message. */
export function encodeMessageFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + message.length)
  writeHeader(frame, KIND_MESSAGE, message.length)
  frame.set(message, HEADER_BYTES)
  return frame
}

/** What goes before the bytes of a block, all of them or the first few, so that the bytes need not be copied. */
export function encodeDataHeader(requestId: number, blockBytes: number, firstBytes = blockBytes): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES + BLOCK_HEAD_BYTES)
  writeHeader(header, KIND_DATA, BLOCK_HEAD_BYTES + firstBytes)
  const view = new DataView(header.buffer)
  view.setUint32(HEADER_BYTES, requestId)
  view.setUint32(HEADER_BYTES + 4, blockBytes)
  return header
}

/** What goes before the next bytes of the block under way. */
export function encodeMoreHeader(moreBytes: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  writeHeader(header, KIND_MORE, moreBytes)
  return header
}

/** Says that the rest of the block under way does not come. */
export function encodeCut(): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES)
  writeHeader(frame, KIND_CUT, 0)
  return frame
}

interface BlockUnderWay {
  readonly requestId: number
  readonly lengthBytes: number
  readonly into: Uint8Array | undefined
  filled: number
}

/**
 * Cuts a byte stream into frames, whatever chunks it arrives in. Data goes straight into the buffers of the handler.
 * After an error the stream is out of step and must be closed.
 */
export class FrameDecoder {
  readonly #handlers: FrameHandlers
  readonly #head = new Uint8Array(HEADER_BYTES + BLOCK_HEAD_BYTES)
  readonly #headView = new DataView(this.#head.buffer)
  #headLength = 0
  #headWanted = HEADER_BYTES
  /** Bytes of the frame's body that are still to come; undefined before its head is complete. */
  #left: number | undefined
  #message: Uint8Array | undefined
  #block: BlockUnderWay | undefined

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers
  }

  /** How many of the next bytes are data; 0 where something else is expected. */
  get dataLeft(): number {
    return this.#message === undefined ? (this.#left ?? 0) : 0
  }

  /** Takes the next chunk. @throws DamselflyError FRAME_TOO_LARGE, MESSAGE_INVALID (what is no frame, or out of place) */
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
    return this.#left === undefined ? this.#takeHead(chunk, at) : this.#takeBody(chunk, at, this.#left)
  }

  #takeHead(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#headWanted - this.#headLength, chunk.length - at)
    this.#head.set(chunk.subarray(at, at + taken), this.#headLength)
    this.#headLength += taken
    if (this.#headLength === this.#headWanted) this.#beginBody(this.#headView.getUint32(0), this.#headView.getUint8(4))
    return taken
  }

  #beginBody(length: number, kind: number): void {
    if (kind === KIND_MESSAGE) this.#beginMessage(length)
    else if (kind === KIND_DATA) this.#beginBlock(length)
    else if (kind === KIND_MORE) this.#goOn(length)
    else if (kind === KIND_CUT) this.#cut(length)
    else throw new DamselflyError('MESSAGE_INVALID', `unknown frame kind ${kind}`)
  }

  #beginMessage(length: number): void {
    if (length > MAX_MESSAGE_BYTES) throw tooLarge(length, MAX_MESSAGE_BYTES)
    this.#message = new Uint8Array(length)
    this.#enterBody(length)
  }

  #beginBlock(length: number): void {
    if (length > MAX_BLOCK_BYTES + BLOCK_HEAD_BYTES) throw tooLarge(length, MAX_BLOCK_BYTES + BLOCK_HEAD_BYTES)
    if (length < BLOCK_HEAD_BYTES) throw new DamselflyError('MESSAGE_INVALID', 'a data frame without a request id')
    if (this.#headWanted === HEADER_BYTES) {
      this.#headWanted = HEADER_BYTES + BLOCK_HEAD_BYTES
      return
    }
    if (this.#block !== undefined) throw new DamselflyError('MESSAGE_INVALID', 'a block in the middle of another')
    const requestId = this.#headView.getUint32(HEADER_BYTES)
    const lengthBytes = this.#headView.getUint32(HEADER_BYTES + 4)
    if (lengthBytes > MAX_BLOCK_BYTES) throw tooLarge(lengthBytes, MAX_BLOCK_BYTES)
    const into = this.#handlers.dataStart(requestId, lengthBytes)
    this.#block = { requestId, lengthBytes, into, filled: 0 }
    this.#goOn(length - BLOCK_HEAD_BYTES)
  }

  #goOn(length: number): void {
    const block = this.#underWay()
    if (length > block.lengthBytes - block.filled)
      throw new DamselflyError('MESSAGE_INVALID', 'more than the block has')
    this.#enterBody(length)
  }

  #cut(length: number): void {
    const { requestId } = this.#underWay()
    if (length > 0) throw new DamselflyError('MESSAGE_INVALID', 'a cut with a body')
    this.#block = undefined
    this.#enterHead()
    this.#handlers.dataCut(requestId)
  }

  #underWay(): BlockUnderWay {
    if (this.#block === undefined) throw new DamselflyError('MESSAGE_INVALID', 'no block is under way')
    return this.#block
  }

  #enterBody(length: number): void {
    this.#left = length
    if (length === 0) this.#endBody()
  }

  #takeBody(chunk: Uint8Array, at: number, left: number): number {
    const taken = Math.min(left, chunk.length - at)
    const bytes = chunk.subarray(at, at + taken)
    if (this.#message !== undefined) this.#message.set(bytes, this.#message.length - left)
    else if (this.#block !== undefined) {
      if (this.#block.into !== undefined) copyInto(this.#block.into, this.#block.filled, bytes)
      this.#block.filled += taken
    }
    this.#left = left - taken
    if (this.#left === 0) this.#endBody()
    return taken
  }

  #endBody(): void {
    const message = this.#message
    const block = this.#block
    this.#message = undefined
    this.#enterHead()
    if (message !== undefined) this.#handlers.message(message)
    else if (block?.filled === block?.lengthBytes) this.#endBlock(block)
  }

  #endBlock(block: BlockUnderWay | undefined): void {
    this.#block = undefined
    if (block !== undefined) this.#handlers.dataEnd(block.requestId)
  }

  #enterHead(): void {
    this.#left = undefined
    this.#headLength = 0
    this.#headWanted = HEADER_BYTES
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
