import { type Digest, type DigestAlgorithm, digestOf } from '../../protocol/digest.ts'
import type { RegistryMock } from '../../registry-mock/create-registry-mock.ts'
import { seededBytes } from './blob.ts'
import { OCI_INDEX, OCI_MANIFEST, pushBlob, putManifest } from './registry-mock.ts'

/** A manifest or index that lies in a registry. */
export interface PushedManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly text: string
}

/** What the pull checks of the OCI conformance suite ask for, in one repository. */
export interface ConformanceContent {
  readonly repository: string
  /** Sorted; each is the image's. */
  readonly tags: readonly string[]
  readonly image: PushedManifest
  /** By what is special about them. */
  readonly manifests: Readonly<Record<string, PushedManifest>>
  /** Blobs by what is special about them; `layer` has 2048 bytes. */
  readonly blobs: Readonly<Record<'layer' | 'empty' | 'sha512', { digest: Digest; bytes: Uint8Array<ArrayBuffer> }>>
  /** A layer that only its own URL serves. */
  readonly foreign: Digest
  /** The image's referrers, by artifact type. */
  readonly referrers: Readonly<Record<string, PushedManifest>>
}

/** The form of conformance content's manifests: indented, so that re-encoding would show. */
const INDENT = 3
const ZSTD_LAYER = 'application/vnd.oci.image.layer.v1.tar+zstd'
const FOREIGN_LAYER = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'

/** Puts the content into a registry. @throws Error when the registry refuses any of it */
export async function pushConformanceContent(registry: RegistryMock, repository: string): Promise<ConformanceContent> {
  async function blob(bytes: Uint8Array<ArrayBuffer>, algorithm?: DigestAlgorithm) {
    return { digest: await pushBlob(registry, repository, bytes, algorithm), bytes }
  }
  async function manifest(fields: object, mediaType: string, reference?: string, algorithm?: DigestAlgorithm) {
    const text = JSON.stringify({ schemaVersion: 2, mediaType, ...fields }, undefined, INDENT)
    const digest = digestOf(Buffer.from(text), algorithm)
    const path = `${repository}/manifests/${reference ?? digest}`
    const { status } = await putManifest(registry, path, text, mediaType)
    if (status !== 201) throw new Error(`${path} was answered with ${status}`)
    return { digest, mediaType, text }
  }

  const config = await blob(new Uint8Array(Buffer.from('{}')))
  const layer = await blob(seededBytes(2048))
  const empty = await blob(new Uint8Array())
  const sha512 = await blob(seededBytes(4096, 'sha512'), 'sha512')
  const foreign = digestOf(Buffer.from('not distributable'))
  const describe = (mediaType: string, { digest, bytes }: typeof layer) => ({ mediaType, digest, size: bytes.length })
  const configOf = describe('application/vnd.oci.image.config.v1+json', config)
  const layers = [describe('application/vnd.oci.image.layer.v1.tar', layer)]
  const child = ({ mediaType, digest, text }: PushedManifest) => ({ mediaType, digest, size: text.length })

  const tags = ['alpha', 'beta', 'v1', 'v2']
  let image = await manifest({ config: configOf, layers }, OCI_MANIFEST)
  for (const tag of tags) image = await manifest({ config: configOf, layers }, OCI_MANIFEST, tag)
  const index = await manifest({ manifests: [child(image)] }, OCI_INDEX)
  const foreignLayer = { mediaType: FOREIGN_LAYER, digest: foreign, size: 17, urls: ['http://layers.example/1'] }
  const image512 = { config: configOf, layers: [describe(ZSTD_LAYER, sha512)] }
  const manifests = {
    index,
    'index of an index': await manifest({ manifests: [child(index), child(image)] }, OCI_INDEX),
    'named by sha512': await manifest(image512, OCI_MANIFEST, undefined, 'sha512'),
    'with a zstd layer': await manifest({ config: configOf, layers: [describe(ZSTD_LAYER, layer)] }, OCI_MANIFEST),
    'with an empty layer': await manifest(
      { config: configOf, layers: [describe('application/vnd.oci.image.layer.v1.tar', empty)] },
      OCI_MANIFEST,
    ),
    'with a foreign layer': await manifest({ config: configOf, layers: [...layers, foreignLayer] }, OCI_MANIFEST),
    'with data in its descriptors': await manifest({ config: { ...configOf, data: 'e30=' }, layers }, OCI_MANIFEST),
    "of Docker's form": await manifest({ config: configOf, layers }, DOCKER_MANIFEST),
    "a list of Docker's form": await manifest({ manifests: [child(image)] }, DOCKER_LIST),
  }
  const referrers: Record<string, PushedManifest> = {}
  for (const artifactType of ['application/x.sbom', 'application/x.signature']) {
    const fields = { artifactType, config: configOf, layers: [], subject: child(image) }
    referrers[artifactType] = await manifest(fields, OCI_MANIFEST)
  }
  return { repository, tags, image, manifests, blobs: { layer, empty, sha512 }, foreign, referrers }
}
