import { readFile } from 'node:fs/promises'

/** A request as a server of a test saw it, noted when its answer had ended. */
export interface SeenRequest {
  /** Which of the servers: `registry`, `storage` and so on. */
  readonly server: string
  readonly method: string
  readonly host: string
  /** With its query. */
  readonly path: string
  readonly authorization: string | undefined
  readonly range: string | undefined
  readonly client: string
  status: number
  /** Bytes of the body that were handed to the connection. */
  sentBytes: number
  /** Whether the answer was cut short. */
  cut: boolean
}

/** Reads what a server program has noted on its standard error so far, one JSON object a line. */
export async function readSeenRequests(logFile: string): Promise<SeenRequest[]> {
  const lines = (await readFile(logFile, 'utf8')).split('\n')
  return lines.filter(line => line.startsWith('{"server"')).map(line => JSON.parse(line) as SeenRequest)
}

/** Adds up, for each blob, the body bytes that were sent of it. */
export function sentBytesOfBlobs(requests: readonly SeenRequest[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { method, path, status, sentBytes } of requests) {
    const [, digest] = /\/(sha256:[a-f0-9]{64})(?:\?|$)/.exec(path) ?? []
    if (digest === undefined || method !== 'GET' || path.includes('/manifests/')) continue
    if (status === 200 || status === 206) sums.set(digest, (sums.get(digest) ?? 0) + sentBytes)
  }
  return sums
}
