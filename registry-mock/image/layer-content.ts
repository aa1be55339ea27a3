import type { Content } from '../content.ts'
import { keystreamContent, type Overlay } from './keystream-content.ts'
import { TAR_BLOCK_BYTES, tarHeader } from './tar.ts'

const MAX_FILE_BYTES = 1024 ** 3
const TRAILER_BYTES = 2 * TAR_BLOCK_BYTES

/** The smallest layer: a directory, a file with one block, and the end of the archive. */
export const MIN_LAYER_BYTES = 3 * TAR_BLOCK_BYTES + TRAILER_BYTES

/**
 * An uncompressed tar with a directory of pseudo-random files.
 * @param sizeBytes of the whole tar, a multiple of 512 and at least `MIN_LAYER_BYTES`
 * @param fileCount wished for; large layers get more files, tiny ones fewer
 */
export function layerContent(seed: string, directory: string, sizeBytes: number, fileCount: number): Content {
  const overlays: Overlay[] = [{ offset: 0, bytes: tarHeader({ name: `${directory}/`, sizeBytes: 0 }) }]
  const end = sizeBytes - TRAILER_BYTES
  const space = end - TAR_BLOCK_BYTES
  const blocksPerFile = Math.max(2, Math.ceil(Math.min(space / fileCount, MAX_FILE_BYTES) / TAR_BLOCK_BYTES))
  for (let offset = TAR_BLOCK_BYTES, index = 0; offset < end; index++) {
    const left = end - offset
    const wanted = blocksPerFile * TAR_BLOCK_BYTES
    // A rest that is too small for a header with content goes to the last file.
    const memberBytes = left - wanted < 2 * TAR_BLOCK_BYTES ? left : wanted
    const header = tarHeader({ name: `${directory}/file-${index}.bin`, sizeBytes: memberBytes - TAR_BLOCK_BYTES })
    overlays.push({ offset, bytes: header })
    offset += memberBytes
  }
  overlays.push({ offset: end, bytes: new Uint8Array(TRAILER_BYTES) })
  return keystreamContent(seed, sizeBytes, overlays)
}
