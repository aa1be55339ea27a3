import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { DamselflyError } from './errors.ts'
import { DigestField, SizeField } from './messages/fields.ts'

const Descriptor = Type.Object({ digest: DigestField, size: SizeField })

/** A manifest of one image (OCI image spec, "Image Manifest"; Docker's schema 2 has the same form). */
export const ImageManifest = Type.Object({ config: Descriptor, layers: Type.Array(Descriptor) })
export type ImageManifest = Static<typeof ImageManifest>

const Platform = Type.Object({ os: Type.String(), architecture: Type.String() })

/** A list of manifests, one for each platform (OCI image spec, "Image Index"). */
export const ImageIndex = Type.Object({
  manifests: Type.Array(Type.Object({ digest: DigestField, platform: Type.Optional(Platform) })),
})
export type ImageIndex = Static<typeof ImageIndex>

/** Manifest types that every request names: without them old registries convert to schema 1 (contracts §1). */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]

const manifestSchema = Compile(ImageManifest)
const indexSchema = Compile(ImageIndex)

/** Reads a manifest or an index. @throws DamselflyError MANIFEST_INVALID */
export function parseManifest(bytes: Uint8Array): ImageManifest | ImageIndex {
  let document: unknown
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (error) {
    throw new DamselflyError('MANIFEST_INVALID', 'not JSON', { cause: error })
  }
  if (manifestSchema.Check(document) || indexSchema.Check(document)) return document
  throw new DamselflyError('MANIFEST_INVALID', 'neither an image manifest nor an image index')
}

/**
 * The manifest of an index that fits this machine.
 * @param architecture as Node names it
 * @throws DamselflyError MANIFEST_UNKNOWN
 */
export function chooseManifest(
  index: ImageIndex,
  architecture: string = process.arch,
): ImageIndex['manifests'][number] {
  const wanted = architecture === 'x64' ? 'amd64' : architecture
  const found = index.manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === wanted)
  if (found === undefined) throw new DamselflyError('MANIFEST_UNKNOWN', `the image is not made for linux/${wanted}`)
  return found
}
