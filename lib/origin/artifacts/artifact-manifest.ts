import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { DamselflyError } from '../../../protocol/errors.ts'
import { DigestField, KeyField, SizeField } from '../../../protocol/messages/fields.ts'
import { printable } from '../../terminal/format.ts'

/** A blob, as a manifest names it (OCI image spec, "Content Descriptors"). */
export const BlobDescriptor = Type.Object({
  mediaType: Type.Optional(Type.String()),
  digest: DigestField,
  size: SizeField,
  /** Where content that a registry may not distribute can be had, which then need not have it. */
  urls: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  // Some tools write null for none.
  annotations: Type.Optional(Type.Union([Type.Record(KeyField, Type.String()), Type.Null()])),
})
export type BlobDescriptor = Static<typeof BlobDescriptor>

/** The manifest of an artifact or of one image; Docker's schema 2 has the same form. */
export const ArtifactManifest = Type.Object({ config: BlobDescriptor, layers: Type.Array(BlobDescriptor) })
export type ArtifactManifest = Static<typeof ArtifactManifest>

const Platform = Type.Object({
  os: Type.String(),
  architecture: Type.String(),
  variant: Type.Optional(Type.String()),
})

/** A list of manifests, mostly one for each platform. */
export const ArtifactIndex = Type.Object({
  manifests: Type.Array(Type.Object({ digest: DigestField, platform: Type.Optional(Platform) })),
})
export type ArtifactIndex = Static<typeof ArtifactIndex>

const manifestSchema = Compile(ArtifactManifest)
const indexSchema = Compile(ArtifactIndex)
const typedSchema = Compile(Type.Object({ mediaType: Type.String() }))

/**
 * Reads a manifest or an index.
 * @param name what to call it in errors
 * @param contentType as the registry sent it, for those errors
 * @throws DamselflyError MANIFEST_INVALID
 */
export function parseArtifactManifest(
  bytes: Uint8Array,
  name: string,
  contentType: string | undefined,
): ArtifactManifest | ArtifactIndex {
  const document = parseJson(bytes)
  if (document === undefined) throw new DamselflyError('MANIFEST_INVALID', `${name} is not JSON`)
  const [isManifest, isIndex] = [manifestSchema.Check(document), indexSchema.Check(document)]
  // Registry and client could take it for different things (CVE-2021-41190).
  if (isManifest && isIndex) throw new DamselflyError('MANIFEST_INVALID', `${name} is both a manifest and an index`)
  if (isManifest || isIndex) return document as ArtifactManifest | ArtifactIndex
  const type = typedSchema.Check(document) ? document.mediaType : contentType
  const what = type === undefined ? 'of a type that is not told' : `of type "${printable(type.slice(0, 100))}"`
  throw new DamselflyError(
    'MANIFEST_INVALID',
    `${name} is ${what}, or malformed; what can be read are OCI manifests and indexes, and Docker's of schema 2`,
  )
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
