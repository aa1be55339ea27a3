import type { BlobDescriptor } from '../../../lib/origin/artifacts/artifact-manifest.ts'
import { printable } from '../../../lib/terminal/format.ts'
import { digestHex } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { isSafePath } from '../safe-path.ts'

/** The name of a file (OCI image spec, "Pre-Defined Annotation Keys"), which ORAS and others give to each blob. */
const TITLE = 'org.opencontainers.image.title'
/** ORAS: the blob is a packed directory, whose name is the title. */
const UNPACK = 'io.deis.oras.content.unpack'

const HEX_LENGTH = 12

/** Whether the manifest names the blob as a file. */
export function isTitled({ annotations }: BlobDescriptor): boolean {
  return annotations?.[TITLE] !== undefined
}

/** Whether a blob is the spec's filler for a place where there has to be one. */
export function isFiller({ mediaType }: BlobDescriptor): boolean {
  return mediaType === 'application/vnd.oci.empty.v1+json'
}

/**
 * Where a blob is written, below the output directory: under its title, else under the beginning of its digest. What ORAS would unpack
 * stays packed, and its name says so.
 * @throws DamselflyError MANIFEST_INVALID for a title that leads elsewhere
 */
export function blobPath(blob: BlobDescriptor): string {
  const { digest, mediaType = '', annotations } = blob
  const title = annotations?.[TITLE]
  if (title === undefined) return `${digestHex(digest).slice(0, HEX_LENGTH)}${extensionOf(mediaType) ?? '.bin'}`
  if (!isSafePath(title)) {
    const detail = `the file of ${digest} is called "${printable(title.slice(0, 200))}"`
    throw new DamselflyError('MANIFEST_INVALID', `${detail}, which is no path below the output directory`)
  }
  const packed = annotations?.[UNPACK] === 'true' ? (extensionOf(mediaType) ?? '.tar.gz') : ''
  return title.endsWith(packed) ? title : `${title}${packed}`
}

/** Of archives, by their media type: `…tar+gzip`, `…tar.gzip`, `…tar+zstd`, `…tar`. */
function extensionOf(mediaType: string): string | undefined {
  const [type = ''] = mediaType.toLowerCase().split(';')
  const [, compression] = /(?:^|[/.+-])tar(?:[.+](gzip|gz|zstd|zst))?$/.exec(type.trim()) ?? [undefined, 'none']
  if (compression === 'none') return undefined
  if (compression === undefined) return '.tar'
  return compression.startsWith('g') ? '.tar.gz' : '.tar.zst'
}
