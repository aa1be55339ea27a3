import type { AbortOptions, MessageStream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { DamselflyError } from '../../../protocol/errors.ts'
import { MAX_MEMBERSHIP_BYTES } from '../../../protocol/membership.ts'

/** A credential goes with its length before it (u16, big-endian). */
const LENGTH_BYTES = 2

/** Takes one credential from a stream, and puts one on it. libp2p's own `lpStream` reads lengths of any length. */
export interface CredentialChannel {
  /** Waits for what the other end shows. @throws DamselflyError NOT_A_MEMBER when it is too long; an Error when the stream ends */
  read(options: AbortOptions): Promise<Uint8Array>
  write(credential: Uint8Array, options: AbortOptions): Promise<void>
  /** Leaves the stream, with all that has come and was not read, to whoever listens next. */
  leave(): void
}

/** Listens to a stream until it is left. */
export function createCredentialChannel(stream: MessageStream): CredentialChannel {
  const bytes = byteStream(stream)
  return {
    async read(options) {
      const length = (await bytes.read({ ...options, bytes: LENGTH_BYTES })).getUint16(0)
      if (length > MAX_MEMBERSHIP_BYTES) {
        const detail = `what it shows has more than ${MAX_MEMBERSHIP_BYTES} bytes; run the same version on both nodes`
        throw new DamselflyError('NOT_A_MEMBER', detail)
      }
      return (await bytes.read({ ...options, bytes: length })).subarray()
    },
    async write(credential, options) {
      const message = Buffer.alloc(LENGTH_BYTES + credential.length)
      message.writeUInt16BE(credential.length)
      message.set(credential, LENGTH_BYTES)
      await bytes.write(message, options)
    },
    leave: () => void bytes.unwrap(),
  }
}
