import type { IncomingMessage } from 'node:http'

const MAX_ENTRIES = 10_000

/** One request as the registry saw it. `status` is 0 until the answer begins; `bytesSent` grows while it runs. */
export interface RequestEntry {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly range: string | undefined
  readonly userAgent: string | undefined
  /** Whether an `Authorization` header came with it; its value is not kept. */
  readonly authorization: boolean
  /** Address of whoever asked. */
  readonly from: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  status: number
  bytesSent: number
}

/** What is known of a request before it is answered. */
export function requestEntry(message: IncomingMessage, startedAt: number): RequestEntry {
  return {
    method: message.method ?? '',
    path: message.url ?? '',
    range: message.headers.range,
    userAgent: message.headers['user-agent'],
    authorization: message.headers.authorization !== undefined,
    from: message.socket.remoteAddress ?? '',
    startedAt,
    status: 0,
    bytesSent: 0,
  }
}

/** The newest requests, oldest first. */
export interface RequestLog {
  add(entry: RequestEntry): void
  entries(): readonly RequestEntry[]
  clear(): void
}

/** A log of at most 10,000 requests; older ones are forgotten. */
export function createRequestLog(): RequestLog {
  const entries: RequestEntry[] = []
  return {
    add(entry) {
      entries.push(entry)
      if (entries.length > MAX_ENTRIES) entries.shift()
    },
    entries: () => entries.slice(),
    clear: () => void entries.splice(0),
  }
}
