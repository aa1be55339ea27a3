import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { Children } from '../measure/children.ts'
import type { RegistryBlob } from './blob.ts'
import { timeoutFor } from './timeout.ts'

/** What a client is told to get. */
export interface BlobRequest {
  readonly url: string
  /** What comes must have just this length. */
  readonly sizeBytes: number
}

/** What a client tells of what it got. */
export interface Got {
  /** From the request to the last byte. */
  readonly elapsedMs: number
}

/** A client that runs until the benchmark ends. */
export interface Client {
  /** Gets a blob, counts its bytes and throws them away. @param from URL of the registry or of a dfdaemon before it */
  get(from: string, blob: RegistryBlob): Promise<Got>
  /** Gets a blob once more and hashes it. @throws DamselflyError CONTENT_CORRUPT */
  check(from: string, blob: RegistryBlob): Promise<void>
}

/** Starts a client. Its calls throw as `Child.ask` does, which is also how they tell of wrong lengths. */
export async function startClient(children: Children): Promise<Client> {
  const child = await children.start('the client', new URL('client.ts', import.meta.url))
  const ask = <Answered>(question: string, from: string, { path, sizeBytes }: RegistryBlob) => {
    const argument: BlobRequest = { url: from + path, sizeBytes }
    return child.ask<Answered>(question, { argument, timeoutMs: timeoutFor(sizeBytes) })
  }
  return {
    get: (from, blob) => ask<Got>('get', from, blob),
    async check(from, blob) {
      const digest = await ask<Digest>('digest', from, blob)
      if (digest !== blob.digest) throw new DamselflyError('CONTENT_CORRUPT', `${blob.digest} hashes to ${digest}`)
    },
  }
}
