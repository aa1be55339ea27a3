import { type Digest, isDigest } from '../../../protocol/digest.ts'

/** A blob request as the registry's log tells it. */
export interface BlobRequest {
  readonly digest: Digest
  readonly status: number
  /** Body bytes that the registry wrote. */
  readonly sentBytes: number
  /** IPv4 address of the client. */
  readonly client: string
}

const BLOB_URI = /^\/v2\/.+\/blobs\/([a-z0-9]+:[a-f0-9]+)(?:\?.*)?$/

/**
 * Reads the GET requests for blobs from the JSON log of docker-registry 2.8, which writes one "response completed" line
 * per answer with the bytes written in `http.response.written`, cut short or not.
 */
export function parseBlobRequests(log: string): BlobRequest[] {
  return log
    .split('\n')
    .filter(line => line.includes('"response completed"') && line.includes('/blobs/sha'))
    .map(line => JSON.parse(line) as Record<string, unknown>)
    .filter(entry => entry['http.request.method'] === 'GET')
    .map(readBlobRequest)
    .filter(request => request !== undefined)
}

function readBlobRequest(entry: Record<string, unknown>): BlobRequest | undefined {
  const digest = BLOB_URI.exec(String(entry['http.request.uri']))?.[1]
  if (digest === undefined || !isDigest(digest)) return undefined
  return {
    digest,
    status: Number(entry['http.response.status']),
    sentBytes: Number(entry['http.response.written']),
    client: String(entry['http.request.remoteaddr']).replace(/:\d+$/, ''),
  }
}

/** Adds up the body bytes that were sent of each blob with status 200 or 206. */
export function sentBytesByBlob(requests: readonly BlobRequest[]): Map<Digest, number> {
  const sums = new Map<Digest, number>()
  for (const { digest, status, sentBytes } of requests) {
    if (status === 200 || status === 206) sums.set(digest, (sums.get(digest) ?? 0) + sentBytes)
  }
  return sums
}
