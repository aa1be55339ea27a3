import { request } from 'undici'
import type { TestBlob } from './blob.ts'

/** What a client got of a blob, compared with it byte by byte. */
export interface ComparedPull {
  readonly blob: TestBlob
  /** Undefined when there was no answer. */
  readonly status: number | undefined
  readonly receivedBytes: number
  /** Whether all that came is the beginning of the blob. */
  readonly right: boolean
  /** Whether the answer came to an end in good form. */
  readonly ended: boolean
}

/** Pulls a blob through a dfdaemon that may go away meanwhile. @param onBytes is called with how many bytes came */
export async function pullCompared(
  node: { readonly url: string },
  blob: TestBlob,
  onBytes: (sizeBytes: number) => void = () => {},
): Promise<ComparedPull> {
  let status: number | undefined
  let receivedBytes = 0
  let right = true
  const result = (ended: boolean) => ({ blob, status, receivedBytes, right, ended })
  try {
    const response = await request(`${node.url}/v2/${blob.repository}/blobs/${blob.digest}`)
    status = response.statusCode
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      const expected = blob.bytes.subarray(receivedBytes, receivedBytes + chunk.length)
      right &&= Buffer.compare(chunk, expected) === 0
      receivedBytes += chunk.length
      onBytes(chunk.length)
    }
    return result(true)
  } catch {
    return result(false)
  }
}
