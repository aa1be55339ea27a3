import type { ChaosBlob } from '../cluster/registry-words.ts'

/** What a bad peer is told: an image that the others pull now. */
export interface BadPeerOrder {
  readonly registryUrl: string
  readonly repository: string
  readonly blobs: readonly ChaosBlob[]
}
