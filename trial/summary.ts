import type { DamselflyError } from '../protocol/errors.ts'
import { downloadedBytes, type SourceBytes, sumOfSources } from './progress/snapshot.ts'
import type { ImageContent } from './pull-client.ts'
import type { FinalReadings } from './watch-cluster.ts'

/** How the pull of one node ended. */
export interface NodeOutcome {
  readonly name: string
  readonly elapsedMs: number
  /** What it pulled; undefined when it failed before it knew. */
  readonly image: ImageContent | undefined
  /** Digests of the blobs that it received whole and right. */
  readonly verified: ReadonlySet<string>
  /** Why it failed, if it did. */
  readonly error: DamselflyError | undefined
}

/** All that a trial found out. */
export interface TrialOutcome {
  /** What the manifest must hash to, when it is known from elsewhere than the pull. */
  readonly manifestDigest: string | undefined
  readonly nodes: readonly NodeOutcome[]
  readonly readings: FinalReadings
  readonly countedBy: string
  /** From the start of all pulls to the end of the last. */
  readonly makespanMs: number
}

/** A blob of the image, and at how many nodes it arrived intact. */
export interface BlobSummary {
  readonly digest: string
  readonly sizeBytes: number
  readonly kind: 'layer' | 'config'
  readonly verifiedNodes: number
  /** Bytes of it that left the origin, when the origin tells. */
  readonly originBytes: number | undefined
}

/** A trial in numbers. */
export interface TrialSummary extends Pick<TrialOutcome, 'countedBy' | 'makespanMs'> {
  readonly nodes: readonly (NodeOutcome & { readonly sources: SourceBytes })[]
  readonly blobs: readonly BlobSummary[]
  /** Bytes of config and layers, each once. */
  readonly imageBytes: number
  readonly originBytes: number
  /** Copies of the image that left the origin. */
  readonly originRatio: number
  readonly sources: SourceBytes
  /** Part of all downloaded bytes that came from peers. */
  readonly p2pRatio: number
  /** Every node has every blob, all of it hashed, under the same manifest. */
  readonly verified: boolean
}

const NOTHING: SourceBytes = { peerBytes: 0, supernodeBytes: 0, originBytes: 0 }

/** Works out the numbers of a trial. */
export function summarise(outcome: TrialOutcome): TrialSummary {
  const { nodes, readings, countedBy, makespanMs } = outcome
  const pulled = nodes.find(node => node.image !== undefined)?.image
  const expected = outcome.manifestDigest ?? pulled?.manifestDigest
  const imageBytes = pulled?.imageBytes ?? 0
  const sources = sumOfSources(readings.sources)
  return {
    countedBy,
    makespanMs,
    nodes: nodes.map((node, index) => ({ ...node, sources: readings.sources[index] ?? NOTHING })),
    blobs: pulled === undefined ? [] : blobsOf(pulled, outcome),
    imageBytes,
    originBytes: readings.origin.sentBytes,
    originRatio: ratio(readings.origin.sentBytes, imageBytes),
    sources,
    p2pRatio: ratio(sources.peerBytes, downloadedBytes(sources)),
    verified: nodes.length > 0 && nodes.every(node => isVerified(node, expected)),
  }
}

/** The line for programs (README, "Commands"). */
export function summaryJson(summary: TrialSummary) {
  const { nodes, imageBytes, originBytes, originRatio, p2pRatio, makespanMs, verified } = summary
  return {
    nodes: nodes.length,
    imageBytes,
    originBytes,
    originRatio: rounded(originRatio),
    p2pRatio: rounded(p2pRatio),
    makespanMs: Math.round(makespanMs),
    verified,
  }
}

function isVerified({ image, verified, error }: NodeOutcome, manifestDigest: string | undefined): boolean {
  if (error !== undefined || image === undefined || image.manifestDigest !== manifestDigest) return false
  return [image.config, ...image.layers].every(({ digest }) => verified.has(digest))
}

function blobsOf({ config, layers }: ImageContent, { nodes, readings }: TrialOutcome): BlobSummary[] {
  const blobs = [...layers.map(layer => ({ ...layer, kind: 'layer' as const })), { ...config, kind: 'config' as const }]
  const { sentBytesByDigest } = readings.origin
  return blobs.map(blob => ({
    ...blob,
    verifiedNodes: nodes.filter(({ verified }) => verified.has(blob.digest)).length,
    originBytes: sentBytesByDigest === undefined ? undefined : (sentBytesByDigest.get(blob.digest) ?? 0),
  }))
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
