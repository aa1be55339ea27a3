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

  constructor() {
    super({ id: 'fed', direction: 'inbound', log: SILENT })
  }

  /** The next bytes come in, unless the stream has ended. They are good until it returns. */
  feed(bytes: Uint8Array): void {
    if (this.status === 'open' && this.readStatus !== 'closed') this.onData(bytes)
  }

  override sendData(data: Uint8ArrayList): SendResult {
    this.sentBytes += data.byteLength
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  override sendReset(): void {}

  override sendPause(): void {}

  override sendResume(): void {}

  override async sendCloseWrite(): Promise<void> {}

  override async sendCloseRead(): Promise<void> {}
}
