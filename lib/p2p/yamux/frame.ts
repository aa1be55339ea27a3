/**
 * Frames of yamux (https://github.com/hashicorp/yamux/blob/master/spec.md): a header of 12 bytes, and behind that of a data
 * frame its data.
 */
export const HEADER_BYTES = 12

export const FrameType = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const

/** What a frame says besides: opens a stream, accepts it, sends no more, is broken. A ping is `syn`, its answer `ack`. */
export const Flag = { syn: 1, ack: 2, fin: 4, reset: 8 } as const

/** Why a connection is closed. */
export const GoAway = { normal: 0, protocolError: 1 } as const

export interface FrameHeader {
  readonly type: number
  readonly flags: number
  /** 0 for what concerns the connection. */
  readonly stream: number
  /** Bytes of data, of more window, or the number of a ping, or the reason of a goodbye. */
  readonly length: number
}

export function encodeHeader({ type, flags, stream, length }: FrameHeader): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes[1] = type
  bytes.writeUInt16BE(flags, 2)
  bytes.writeUInt32BE(stream, 4)
  bytes.writeUInt32BE(length, 8)
  return bytes
}

/** @throws Error for what is not yamux */
export function decodeHeader(bytes: Uint8Array): FrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  const [version, type] = [view.getUint8(0), view.getUint8(1)]
  if (version !== 0 || type > FrameType.goAway) throw new Error(`a yamux frame of version ${version} and type ${type}`)
  return { type, flags: view.getUint16(2), stream: view.getUint32(4), length: view.getUint32(8) }
}
