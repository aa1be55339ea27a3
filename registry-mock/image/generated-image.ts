import { createDigester, type Digest, digestOf } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { isRepositoryName, isTag } from '../../protocol/registry-path.ts'
import { type Content, memoryContent, wholeOf } from '../content.ts'
import type { ContentStore } from '../content-store.ts'
import type { Repositories } from '../repositories.ts'
import { OCI_MANIFEST } from '../routes/manifest-document.ts'
import { layerContent } from './layer-content.ts'
import { fraction, layerSizes } from './layer-sizes.ts'

const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar'
const CREATED = '2024-01-01T00:00:00Z'
const MIN_IMAGE_BYTES = 64 * 1024
const MIN_BYTES_PER_LAYER = 8 * 1024

/** What to generate. The same values give the same digests, on any machine. */
export interface GeneratedImageInit {
  readonly repository: string
  readonly tag: string
  readonly layers: number
  /** Bytes of config and layers together, met within 1 %; at least 64 KiB, and 8 KiB for each layer. */
  readonly sizeBytes: number
  readonly seed: string
}

/** A blob of an image. */
export interface ImageBlob {
  readonly digest: Digest
  readonly sizeBytes: number
}

/** An image that lies in the registry. */
export interface GeneratedImage {
  readonly repository: string
  readonly tag: string
  /** Of the manifest. */
  readonly digest: Digest
  readonly layers: readonly ImageBlob[]
  readonly config: ImageBlob
  /** Bytes of config and layers: what a pull moves, apart from the manifest. */
  readonly imageBytes: number
}

/**
 * Puts an OCI image with uncompressed layers into the registry. Layers are real tars, computed when they are read, so an
 * image of any size takes no memory; making it costs one pass over its bytes, to hash them.
 * @throws DamselflyError CONFIG_INVALID
 */
export async function generateImage(
  { repositories, content }: { repositories: Repositories; content: ContentStore },
  init: GeneratedImageInit,
): Promise<GeneratedImage> {
  checkInit(init)
  const { repository, tag, seed } = init
  const placeholders = Array.from({ length: init.layers }, () => digestOf(Buffer.alloc(0)))
  const configBytes = imageConfig(placeholders).length
  const layers: ImageBlob[] = []
  for (const [index, sizeBytes] of layerSizes(seed, init.layers, init.sizeBytes - configBytes).entries()) {
    const layerSeed = `${seed}/${index}`
    const fileCount = 1 + Math.floor(fraction(`${layerSeed}/files`) * 4)
    layers.push(await addBlob(layerContent(layerSeed, `layer-${index}`, sizeBytes, fileCount)))
  }
  const config = await addBlob(memoryContent([imageConfig(layers.map(layer => layer.digest))]))
  const bytes = imageManifest(config, layers)
  const digest = digestOf(bytes)
  const artifactType = OCI_CONFIG
  const manifest = { digest, mediaType: OCI_MANIFEST, bytes, subject: undefined, artifactType, annotations: undefined }
  repositories.putManifest(repository, tag, manifest)
  const imageBytes = [config, ...layers].reduce((sum, blob) => sum + blob.sizeBytes, 0)
  return { repository, tag, digest, layers, config, imageBytes }

  async function addBlob(blob: Content): Promise<ImageBlob> {
    const digester = createDigester()
    for await (const chunk of blob.read(wholeOf(blob))) digester.update(chunk)
    const blobDigest = digester.digest()
    await content.add(blobDigest, blob)
    repositories.linkBlob(repository, blobDigest)
    return { digest: blobDigest, sizeBytes: blob.sizeBytes }
  }
}

function checkInit({ repository, tag, layers, sizeBytes }: GeneratedImageInit): void {
  if (!isRepositoryName(repository) || !isTag(tag)) {
    throw new DamselflyError('CONFIG_INVALID', 'the image needs a repository name and a tag by the OCI grammar')
  }
  const minBytes = Math.max(MIN_IMAGE_BYTES, layers * MIN_BYTES_PER_LAYER)
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < minBytes) {
    throw new DamselflyError('CONFIG_INVALID', `an image of ${layers} layers has at least ${minBytes} bytes`)
  }
}

function imageConfig(layers: readonly Digest[]): Buffer {
  return json({
    created: CREATED,
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers },
    history: layers.map(() => ({ created: CREATED, created_by: 'registry-mock' })),
  })
}

function imageManifest(config: ImageBlob, layers: readonly ImageBlob[]): Buffer {
  const descriptor = (mediaType: string, { digest, sizeBytes }: ImageBlob) => ({ mediaType, digest, size: sizeBytes })
  return json({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptor(OCI_CONFIG, config),
    layers: layers.map(layer => descriptor(OCI_LAYER, layer)),
  })
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
