import type { MessageStream } from '@libp2p/interface'
import { YamuxDecoder } from '../../lib/p2p/yamux/decoder.ts'
import { encodeHeader, type FrameHeader } from '../../lib/p2p/yamux/frame.ts'
import { waitFor } from './wait.ts'

/** A frame as it came, with its data. */
export interface SeenFrame extends FrameHeader {
  readonly data: Uint8Array
}

/** The other end of a muxer, that sends whatever frames a test likes and answers nothing by itself. */
export interface YamuxPeer {
  /** What has come so far. */
  readonly frames: readonly SeenFrame[]
  /** Sends a frame whose length is that of its data, unless another is given. */
  send(header: Partial<FrameHeader>, data?: Uint8Array): void
  sendRaw(bytes: Uint8Array): void
  /** Waits for a frame with these properties; the first that came. */
  frame(wanted: Partial<FrameHeader>): Promise<SeenFrame>
  /** Waits until all is read that was sent up to now: the answer to a ping is behind it. */
  untilRead(): Promise<void>
}

const SYN = 1
const ACK = 2
const PING = 2

/** Speaks yamux by hand on a connection. */
export function yamuxPeer(connection: MessageStream): YamuxPeer {
  const frames: SeenFrame[] = []
  let pings = 0xf000_0000
  let begun: FrameHeader = { type: 0, flags: 0, stream: 0, length: 0 }
  let data: Uint8Array[] = []
  const decoder = new YamuxDecoder({
    begin(header) {
      begun = header
      data = []
    },
    data: bytes => data.push(bytes.slice()),
    end: () => frames.push({ ...begun, data: Buffer.concat(data) }),
  })
  connection.addEventListener('message', event => decoder.push(event.data.subarray()))
  const self: YamuxPeer = {
    frames,
    send(header, bytes = new Uint8Array(0)) {
      connection.send(
        Buffer.concat([encodeHeader({ type: 0, flags: 0, stream: 0, length: bytes.length, ...header }), bytes]),
      )
    },
    sendRaw: bytes => void connection.send(bytes),
    frame: wanted =>
      waitFor(() => frames.find(frame => matches(frame, wanted)), {
        timeoutMs: 5_000,
        intervalMs: 1,
        what: () => `${JSON.stringify(wanted)} in ${frames.map(({ data: _, ...header }) => JSON.stringify(header))}`,
      }),
    async untilRead() {
      const length = pings++
      self.send({ type: PING, flags: SYN, length })
      await self.frame({ type: PING, flags: ACK, length })
    },
  }
  return self
}

function matches(frame: FrameHeader, wanted: Partial<FrameHeader>): boolean {
  return Object.entries(wanted).every(([name, value]) => frame[name as keyof FrameHeader] === value)
}
