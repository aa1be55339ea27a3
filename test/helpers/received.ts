import type { MessageStream } from '@libp2p/interface'
import { waitFor } from './wait.ts'

const PATIENCE_MS = 10_000
const INTERVAL_MS = 2

/** Unsent bytes up to which the next piece is sent. */
const MAX_UNSENT_BYTES = 256 * 1024

/** What has come over a stream or connection. */
export interface Received {
  readonly length: number
  /** The other end sends no more. */
  readonly ended: boolean
  /** How the stream has ended: in order, or with what error. Undefined while it goes on. */
  readonly closed: 'in order' | Error | undefined
  /** Waits for so many bytes. @returns all that have come */
  until(length: number): Promise<Buffer>
  untilEnded(): Promise<Buffer>
  untilClosed(): Promise<'in order' | Error>
}

/** Takes what comes over a stream from now on. */
export function receive(stream: MessageStream): Received {
  const chunks: Uint8Array[] = []
  let [length, ended]: [number, boolean] = [0, false]
  let closed: Received['closed']
  stream.addEventListener('message', ({ data }) => {
    length += data.byteLength
    chunks.push(data.subarray())
  })
  stream.addEventListener('remoteCloseWrite', () => {
    ended = true
  })
  stream.addEventListener('close', ({ error }) => {
    closed ??= error ?? 'in order'
  })
  const options = (what: string) => ({
    timeoutMs: PATIENCE_MS,
    intervalMs: INTERVAL_MS,
    what: () => `${what}, have ${length} bytes, closed: ${closed}`,
  })
  return {
    get length() {
      return length
    },
    get ended() {
      return ended
    },
    get closed() {
      return closed
    },
    async until(wanted) {
      await waitFor(() => length >= wanted, options(`${wanted} bytes`))
      return Buffer.concat(chunks)
    },
    async untilEnded() {
      await waitFor(() => ended, options('the end'))
      return Buffer.concat(chunks)
    },
    untilClosed: () => waitFor(() => closed, options('the stream to be closed')),
  }
}

/** Sends bytes in pieces, as fast as they are taken. @throws Error when the stream is closed before its end */
export async function sendAll(stream: MessageStream, bytes: Uint8Array, pieceBytes = 100_000): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    stream.send(bytes.subarray(at, at + pieceBytes))
    while (stream.writeBufferLength > MAX_UNSENT_BYTES) await nextDrain(stream)
  }
}

function nextDrain(stream: MessageStream): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = ({ type }: Event) => {
      stream.removeEventListener('drain', settle)
      stream.removeEventListener('close', settle)
      if (type === 'drain') resolve()
      else reject(new Error('the stream is closed'))
    }
    stream.addEventListener('drain', settle)
    stream.addEventListener('close', settle)
  })
}
