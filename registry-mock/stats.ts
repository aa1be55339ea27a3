import type { Digest } from '../protocol/digest.ts'
import type { ByteRange } from '../protocol/range.ts'

const MAX_RANGES_PER_BLOB = 10_000

/** What was asked of one blob. Ranges are `[start, end)` offsets of the content. */
export interface BlobStats {
  /** GET requests that were answered with bytes of the blob. */
  requests: number
  headRequests: number
  /** GET requests that were answered with a redirect; the request that follows counts under `requests`. */
  redirects: number
  /** Body bytes that were handed to sockets, also of answers that were cut short. */
  bytesSent: number
  /** The answers, oldest first, at most 10,000. */
  ranges: { start: number; end: number; bytesSent: number }[]
}

/** Exact counters of what a registry was asked for and what it sent: bodies only, no headers or chunk framing. */
export interface StatsSnapshot {
  blobs: Record<string, BlobStats>
  manifests: { requests: number; headRequests: number; bytesSent: number }
  tokens: { requests: number }
  /** Sum of `bytesSent` over the blobs. */
  totalBlobBytes: number
  /** All requests but those for the control routes. */
  requests: number
}

/** Counts as bytes go out, so a snapshot is never behind what a client has received. */
export interface Stats {
  countRequest(): void
  countToken(): void
  countBlobHead(digest: Digest): void
  countRedirect(digest: Digest): void
  /** Notes a GET of a blob and returns where to count its body bytes. */
  beginBlob(digest: Digest, range: ByteRange): (bytes: number) => void
  /** Notes a request for a manifest and returns where to count its body bytes. */
  beginManifest(method: string): (bytes: number) => void
  snapshot(): StatsSnapshot
  reset(): void
}

/** Counters at zero. After `reset`, transfers that still run count for the new totals but not for its ranges. */
export function createStats(): Stats {
  let current = emptyStats()

  function blob(digest: Digest): BlobStats {
    const known = current.blobs[digest]
    if (known !== undefined) return known
    const fresh: BlobStats = { requests: 0, headRequests: 0, redirects: 0, bytesSent: 0, ranges: [] }
    current.blobs[digest] = fresh
    return fresh
  }

  return {
    countRequest: () => void current.requests++,
    countToken: () => void current.tokens.requests++,
    countBlobHead: digest => void blob(digest).headRequests++,
    countRedirect: digest => void blob(digest).redirects++,
    beginBlob(digest, range) {
      const entry = { start: range.start, end: range.end, bytesSent: 0 }
      const stats = blob(digest)
      stats.requests++
      if (stats.ranges.length < MAX_RANGES_PER_BLOB) stats.ranges.push(entry)
      return bytes => {
        entry.bytesSent += bytes
        blob(digest).bytesSent += bytes
        current.totalBlobBytes += bytes
      }
    },
    beginManifest(method) {
      if (method === 'HEAD') current.manifests.headRequests++
      else current.manifests.requests++
      return bytes => {
        current.manifests.bytesSent += bytes
      }
    },
    snapshot: () => structuredClone(current),
    reset() {
      current = emptyStats()
    },
  }
}

function emptyStats(): StatsSnapshot {
  return {
    blobs: {},
    manifests: { requests: 0, headRequests: 0, bytesSent: 0 },
    tokens: { requests: 0 },
    totalBlobBytes: 0,
    requests: 0,
  }
}
