import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from '@libp2p/interface'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'

const SILENT: Logger = Object.assign(() => {}, {
  error() {},
  trace() {},
  enabled: false,
  newScope: () => SILENT,
})

/** A stream whose other end is a fuzzer: what it is fed comes in, what is sent is counted and thrown away. */
export class FedStream extends AbstractStream {
  sentBytes = 0
  /** Sees what is sent. */
  sent: ((data: Uint8ArrayList) => void) | undefined

  constructor() {
    super({ id: 'fed', direction: 'inbound', log: SILENT })
  }

  /** The next bytes come in, unless the stream has ended. They are good until it returns. */
  feed(bytes: Uint8Array): void {
    if (this.status === 'open' && this.readStatus !== 'closed') this.onData(bytes)
  }

  /** The other end sends no more. */
  feedEnd(): void {
    this.onRemoteCloseWrite()
  }

  override sendData(data: Uint8ArrayList): SendResult {
    this.sentBytes += data.byteLength
    this.sent?.(data)
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  override sendReset(): void {}

  override sendPause(): void {}

  override sendResume(): void {}

  override async sendCloseWrite(): Promise<void> {}

  override async sendCloseRead(): Promise<void> {}
}

/** Turns of the event loop after which a stream whose other end has ended must have ended too. */
const TURNS = 1_000

/** Waits until a stream has been closed or aborted. @throws Error when that does not happen */
export async function untilEnded(stream: FedStream): Promise<void> {
  for (let turn = 0; stream.status === 'open' || stream.status === 'closing'; turn++) {
    if (turn === TURNS) throw new Error(`the stream is still ${stream.status}`)
    await nextTurn()
  }
}
