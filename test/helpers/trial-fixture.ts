import { type Digest, digestOf } from '../../protocol/digest.ts'
import type { NodeSnapshot, TrialSnapshot } from '../../trial/progress/snapshot.ts'
import type { ImageContent } from '../../trial/pull-client.ts'
import type { NodeOutcome, TrialOutcome } from '../../trial/summary.ts'

const MIB = 1024 * 1024

/** A digest that only depends on the text. */
export function digestOfText(text: string): Digest {
  return digestOf(Buffer.from(text))
}

/** An image of two layers, 4 MiB in all. */
export function imageFixture(): ImageContent {
  return {
    manifestDigest: digestOfText('manifest'),
    config: { digest: digestOfText('config'), sizeBytes: MIB },
    layers: [
      { digest: digestOfText('layer 1'), sizeBytes: 2 * MIB },
      { digest: digestOfText('layer 2'), sizeBytes: MIB },
    ],
    imageBytes: 4 * MIB,
  }
}

/** A node that has the whole image. */
export function nodeOutcome(name: string, changes: Partial<NodeOutcome> = {}): NodeOutcome {
  const image = imageFixture()
  const verified = new Set([image.config, ...image.layers].map(({ digest }) => digest))
  return { name, elapsedMs: 2_000, image, verified, error: undefined, ...changes }
}

/** A trial of two nodes: one copy from the supernode, the other from the first node. */
export function trialOutcome(changes: Partial<TrialOutcome> = {}): TrialOutcome {
  return {
    manifestDigest: digestOfText('manifest'),
    nodes: [nodeOutcome('node 1'), nodeOutcome('node 2', { elapsedMs: 4_000 })],
    readings: {
      sources: [
        { peerBytes: MIB, supernodeBytes: 3 * MIB, originBytes: 0 },
        { peerBytes: 3 * MIB, supernodeBytes: MIB, originBytes: 0 },
      ],
      origin: {
        sentBytes: 4 * MIB,
        sentBytesByDigest: new Map([
          [digestOfText('config'), MIB],
          [digestOfText('layer 1'), 2 * MIB],
          [digestOfText('layer 2'), MIB],
        ]),
      },
    },
    countedBy: 'the registry',
    makespanMs: 4_000,
    ...changes,
  }
}

/** A node in the middle of its pull. */
export function nodeSnapshot(name: string, changes: Partial<NodeSnapshot> = {}): NodeSnapshot {
  return {
    name,
    state: 'pulling',
    receivedBytes: 2 * MIB,
    imageBytes: 4 * MIB,
    bytesPerSecond: 1.5 * MIB,
    sources: { peerBytes: MIB, supernodeBytes: MIB, originBytes: 0 },
    elapsedMs: 1_000,
    ...changes,
  }
}

/** A trial whose nodes are all in the middle. */
export function trialSnapshot(nodes: readonly NodeSnapshot[]): TrialSnapshot {
  return { nodes, origin: { sentBytes: 3 * MIB, bytesPerSecond: MIB }, elapsedMs: 1_500 }
}
