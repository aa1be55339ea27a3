import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { chooseManifest, type ImageManifest, parseManifest } from '../../protocol/image-manifest.ts'
import type { ImageReference } from '../../protocol/image-reference.ts'
import type { DaemonClient } from '../client/daemon-client.ts'
import { type BlobStory, blobStories, type ExplainedBlob, pulledBlobs } from './blob-story.ts'

/** What `dfdaemon explain` is asked about. */
export type Subject =
  | { readonly kind: 'image'; readonly image: ImageReference }
  | { readonly kind: 'blob'; readonly digest: Digest }

/** The story of an image or a blob. */
export interface Explanation {
  readonly blobs: readonly BlobStory[]
  /** Why the blobs of the image are not known; those that were pulled from its repository are told instead. */
  readonly manifestProblem: string | undefined
}

/**
 * Asks a dfdaemon for what it knows of an image or a blob.
 * @throws DamselflyError DAEMON_UNREACHABLE
 */
export async function explain(
  client: Pick<DaemonClient, 'pulls' | 'manifest'>,
  subject: Subject,
  options: { signal: AbortSignal },
): Promise<Explanation> {
  if (subject.kind === 'blob') {
    const pulls = await client.pulls({}, options)
    const blob = { digest: subject.digest, kind: undefined, sizeBytes: undefined }
    return { blobs: blobStories([blob], pulls), manifestProblem: undefined }
  }
  const { registry, repository } = subject.image
  const pulls = await client.pulls({ registry, repository }, options)
  try {
    return {
      blobs: blobStories(await imageBlobs(client, subject.image, options), pulls),
      manifestProblem: undefined,
    }
  } catch (error) {
    if (!(error instanceof DamselflyError) || error.code === 'DAEMON_UNREACHABLE') throw error
    return { blobs: blobStories(pulledBlobs(pulls), pulls), manifestProblem: error.message }
  }
}

/** The blobs of an image; of an index, those for this machine. */
async function imageBlobs(
  client: Pick<DaemonClient, 'manifest'>,
  image: ImageReference,
  options: { signal: AbortSignal },
): Promise<ExplainedBlob[]> {
  let document = parseManifest(await client.manifest(image, options))
  if ('manifests' in document) {
    const { digest } = chooseManifest(document)
    document = parseManifest(await client.manifest({ ...image, reference: digest }, options))
  }
  if ('manifests' in document) throw new DamselflyError('MANIFEST_INVALID', 'an index that names an index')
  return blobsOf(document)
}

function blobsOf({ config, layers }: ImageManifest): ExplainedBlob[] {
  const blobs = new Map<string, ExplainedBlob>()
  for (const { digest, size } of layers) blobs.set(digest, { digest, kind: 'layer', sizeBytes: size })
  blobs.set(config.digest, { digest: config.digest, kind: 'config', sizeBytes: config.size })
  return [...blobs.values()]
}
