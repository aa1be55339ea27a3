import type { Digest } from '../../../protocol/digest.ts'
import type { RequestEntry } from '../../../registry-mock/request-log.ts'
import type { PlannedImage } from '../plan/draw-load.ts'

/** Of every image. */
export const IMAGE_TAG = 'latest'

/** A blob of an image. */
export interface ChaosBlob {
  readonly digest: Digest
  readonly sizeBytes: number
}

/** An image that lies in the registry. */
export interface ChaosImage {
  readonly repository: string
  readonly manifestDigest: Digest
  /** Config and layers. */
  readonly blobs: readonly ChaosBlob[]
}

/** What the registry's process is told. */
export type RegistryOrder =
  | { readonly type: 'images'; readonly images: readonly { readonly index: number; readonly image: PlannedImage }[] }
  | { readonly type: 'listen' }
  /** Say what was asked of you. */
  | { readonly type: 'report' }
  /** Write the same into a file, and be dead. */
  | { readonly type: 'die'; readonly file: string }

/** What the registry's process says. */
export type RegistrySays =
  | { readonly type: 'image'; readonly index: number; readonly image: ChaosImage }
  | { readonly type: 'listening' }
  | { readonly type: 'requests'; readonly requests: readonly RequestEntry[] }
