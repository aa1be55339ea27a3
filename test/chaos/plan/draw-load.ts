import type { MachineName } from './fault.ts'
import type { Span } from './phases.ts'
import type { Draw } from './random.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** An image that the registry has from the beginning, and that nobody has asked for before its first pull. */
export interface PlannedImage {
  readonly repository: string
  readonly layers: number
  /** About. */
  readonly sizeBytes: number
  /** What its bytes are made from. */
  readonly seed: string
}

/** One pull of an image by the runtime of a node. */
export interface PlannedPull {
  /** Counts from 1, in the order of time. */
  readonly id: number
  readonly node: MachineName
  /** Index of the image. */
  readonly image: number
  readonly atMs: number
  /** Whether large layers are fetched in pieces over several connections, as containerd 2.1 and later can. */
  readonly inPieces: boolean
}

/** What is pulled in a run. */
export interface Load {
  readonly images: readonly PlannedImage[]
  readonly pulls: readonly PlannedPull[]
}

/** A new image comes so often; every node pulls it within the time behind. */
const NEW_IMAGE_EVERY_MS = 2_600
const SPREAD_MS = 4_000
/** So long an image is pulled again, now and then, by nodes that had it. */
const RECENT_MS = 40_000
const AGAIN_SHARE = 0.4
const IN_PIECES_SHARE = 0.25
const MAX_LAYERS = 4

/** Most images are small; the whole comes to some 3 MiB each. */
const SIZES = [
  { share: 0.4, fromBytes: 64 * KIB, toBytes: 512 * KIB },
  { share: 0.4, fromBytes: 512 * KIB, toBytes: 4 * MIB },
  { share: 0.17, fromBytes: 4 * MIB, toBytes: 16 * MIB },
  { share: 0.03, fromBytes: 16 * MIB, toBytes: 64 * MIB },
] as const

/** Draws images and their pulls. */
export function drawLoad(
  draw: Draw,
  seed: number,
  { loads, nodes }: { readonly loads: readonly Span[]; readonly nodes: readonly MachineName[] },
): Load {
  const images: PlannedImage[] = []
  const pulls: Omit<PlannedPull, 'id'>[] = []
  const pull = (node: MachineName, image: number, atMs: number) =>
    void pulls.push({ node, image, atMs, inPieces: draw.fraction() < IN_PIECES_SHARE })
  for (const { fromMs, toMs } of loads) {
    const first = images.length
    for (let atMs = fromMs; atMs < toMs; atMs += NEW_IMAGE_EVERY_MS) {
      const image = images.push(drawImage(draw, `${seed}/${images.length}`)) - 1
      for (const node of nodes) pull(node, image, Math.min(atMs + draw.between(0, SPREAD_MS), toMs - 1))
      // None of an earlier stretch: what was measured at rest stays as it is.
      const oldest = Math.max(first, image - Math.floor(RECENT_MS / NEW_IMAGE_EVERY_MS))
      for (const node of nodes) {
        if (draw.fraction() < AGAIN_SHARE) {
          const laterMs = atMs + draw.between(0, NEW_IMAGE_EVERY_MS)
          pull(node, draw.between(oldest, image + 1), Math.min(laterMs, toMs - 1))
        }
      }
    }
  }
  const inOrder = pulls.sort((a, b) => a.atMs - b.atMs)
  return { images, pulls: inOrder.map((planned, index) => ({ id: index + 1, ...planned })) }
}

function drawImage(draw: Draw, seed: string): PlannedImage {
  let rest = draw.fraction()
  const sizes = SIZES.find(({ share }) => {
    rest -= share
    return rest < 0
  })
  const { fromBytes, toBytes } = sizes ?? SIZES[0]
  // As many of half as of twice a size.
  const sizeBytes = Math.round(fromBytes * (toBytes / fromBytes) ** draw.fraction())
  const layers = Math.min(1 + draw.between(0, MAX_LAYERS), Math.floor(sizeBytes / (16 * KIB)))
  return { repository: `chaos/image-${seed.split('/')[1]}`, layers, sizeBytes, seed }
}
