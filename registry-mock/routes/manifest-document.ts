import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { type Digest, isDigest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { KeyField } from '../../protocol/messages/fields.ts'

/** What the registry needs to know of a manifest or index. */
export interface ManifestDocument {
  readonly mediaType: string
  /** Blobs that must be in the repository: the config and the layers that no other place serves. */
  readonly blobs: readonly Digest[]
  readonly subject: Digest | undefined
  readonly artifactType: string | undefined
  readonly annotations: Record<string, string> | undefined
}

/** OCI media types of manifests. */
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'

const descriptor = Type.Object({
  mediaType: Type.String(),
  digest: Type.String(),
  size: Type.Integer({ minimum: 0 }),
  urls: Type.Optional(Type.Array(Type.String())),
})
const common = {
  schemaVersion: Type.Literal(2),
  mediaType: Type.Optional(Type.String()),
  artifactType: Type.Optional(Type.String()),
  subject: Type.Optional(descriptor),
  annotations: Type.Optional(Type.Record(KeyField, Type.String())),
}
const manifestSchema = Type.Object({ ...common, config: descriptor, layers: Type.Array(descriptor) })
const indexSchema = Type.Object({ ...common, manifests: Type.Array(descriptor) })

type Descriptor = Static<typeof descriptor>

/**
 * Reads a pushed manifest. Children of an index need not be there: sparse indexes are allowed.
 * @throws DamselflyError MANIFEST_INVALID
 */
export function parseManifest(bytes: Uint8Array, contentType: string | undefined): ManifestDocument {
  const value = parseJson(bytes)
  const declared = (value as { mediaType?: unknown } | null)?.mediaType
  const mediaType = contentType?.split(';')[0]?.trim() ?? (typeof declared === 'string' ? declared : '')
  if (declared !== undefined && declared !== mediaType) {
    throw new DamselflyError('MANIFEST_INVALID', 'mediaType and Content-Type differ')
  }
  if (mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST) {
    const manifest = check(manifestSchema, value)
    const artifactType = manifest.artifactType ?? manifest.config.mediaType
    const blobs = [manifest.config, ...manifest.layers.filter(isServedHere)].map(digestOf)
    return { mediaType, blobs, ...described(manifest), artifactType }
  }
  if (mediaType === OCI_INDEX || mediaType === DOCKER_LIST) {
    const index = check(indexSchema, value)
    index.manifests.forEach(digestOf)
    return { mediaType, blobs: [], ...described(index), artifactType: index.artifactType }
  }
  throw new DamselflyError('MANIFEST_INVALID', 'expected an OCI or Docker schema 2 manifest or index')
}

function described(document: { subject?: Descriptor; annotations?: Record<string, string> }) {
  const { subject, annotations } = document
  return { subject: subject === undefined ? undefined : digestOf(subject), annotations }
}

function isServedHere({ urls, mediaType }: Descriptor): boolean {
  return urls === undefined && !/nondistributable|foreign/.test(mediaType)
}

function digestOf({ digest }: Descriptor): Digest {
  if (isDigest(digest)) return digest
  throw new DamselflyError('MANIFEST_INVALID', 'a descriptor has a malformed digest')
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new DamselflyError('MANIFEST_INVALID', 'the body is not JSON', { cause })
  }
}

function check<Schema extends typeof manifestSchema | typeof indexSchema>(schema: Schema, value: unknown) {
  const [problem] = Value.Errors(schema, value)
  if (problem === undefined) return value as Static<Schema>
  throw new DamselflyError('MANIFEST_INVALID', `${problem.instancePath || 'the document'} ${problem.message}`)
}
