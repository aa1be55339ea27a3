import type { Writable } from 'node:stream'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { Output } from './output.ts'

/** Writes to standard output, in order and as slowly as its reader reads. */
export function createStreamOutput(stream: Writable, { signal }: { signal: AbortSignal }): Output {
  // Write callbacks tell of every failure, but the event would end the process. Stays: the stream outlives the output.
  stream.on('error', () => {})
  return {
    name: 'standard output',
    path: undefined,
    begun: undefined,
    async write(bytes) {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      // The memory is used again afterwards, so the bytes must be with the kernel.
      stream.write(bytes, error => (error ? reject(outputError(error)) : resolve()))
      try {
        await promise
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
    replace: async () => undefined,
    async finish() {},
    async discard() {},
  }
}

function outputError(error: NodeJS.ErrnoException): DamselflyError {
  const closed = error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED'
  const reason = closed ? 'its reader has closed it' : error.message
  return new DamselflyError('OUTPUT_FAILED', `standard output: ${reason}`, { cause: error })
}
