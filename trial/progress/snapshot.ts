/** Bytes that a node downloaded, by their sender. */
export interface SourceBytes {
  readonly peerBytes: number
  readonly supernodeBytes: number
  readonly originBytes: number
}

/** How far one node is. */
export interface NodeSnapshot {
  readonly name: string
  readonly state: 'pulling' | 'verified' | 'failed'
  /** Bytes that its client has received. */
  readonly receivedBytes: number
  /** 0 until its client has the manifest. */
  readonly imageBytes: number
  readonly bytesPerSecond: number
  readonly sources: SourceBytes
  /** Time of its pull so far, or in all. */
  readonly elapsedMs: number
}

/** The whole trial at one moment. */
export interface TrialSnapshot {
  readonly nodes: readonly NodeSnapshot[]
  readonly origin: {
    readonly sentBytes: number
    readonly bytesPerSecond: number
  }
  readonly elapsedMs: number
}

/** All that a node downloaded. */
export function downloadedBytes({ peerBytes, supernodeBytes, originBytes }: SourceBytes): number {
  return peerBytes + supernodeBytes + originBytes
}

/** What several nodes downloaded together. */
export function sumOfSources(all: readonly SourceBytes[]): SourceBytes {
  const sum = (field: keyof SourceBytes) => all.reduce((total, sources) => total + sources[field], 0)
  return { peerBytes: sum('peerBytes'), supernodeBytes: sum('supernodeBytes'), originBytes: sum('originBytes') }
}
