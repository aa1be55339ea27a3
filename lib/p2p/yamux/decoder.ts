import { decodeHeader, type FrameHeader, FrameType, HEADER_BYTES } from './frame.ts'

/** Who hears of frames. */
export interface YamuxHandlers {
  /** A frame has begun. */
  begin(header: FrameHeader): void
  /** Some of the data of the frame that has begun. */
  data(bytes: Uint8Array): void
  /** All of the frame has come. */
  end(): void
}

/** Finds the frames in a stream of bytes. Data are passed on as they come, in pieces. */
export class YamuxDecoder {
  readonly #handlers: YamuxHandlers
  readonly #header = new Uint8Array(HEADER_BYTES)
  #headerBytes = 0
  #dataLeft = 0

  constructor(handlers: YamuxHandlers) {
    this.#handlers = handlers
  }

  /** Takes the next bytes. @throws Error for what is not yamux, and what the handlers throw */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#dataLeft > 0) {
        const end = Math.min(chunk.length, at + this.#dataLeft)
        this.#dataLeft -= end - at
        this.#handlers.data(chunk.subarray(at, end))
        if (this.#dataLeft === 0) this.#handlers.end()
        at = end
      } else at += this.#takeHeader(chunk.subarray(at, at + HEADER_BYTES - this.#headerBytes))
    }
  }

  #takeHeader(bytes: Uint8Array): number {
    this.#header.set(bytes, this.#headerBytes)
    this.#headerBytes += bytes.length
    if (this.#headerBytes === HEADER_BYTES) {
      this.#headerBytes = 0
      const header = decodeHeader(this.#header)
      if (header.type === FrameType.data) this.#dataLeft = header.length
      this.#handlers.begin(header)
      if (this.#dataLeft === 0) this.#handlers.end()
    }
    return bytes.length
  }
}
