import { createCipheriv, createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf, parseDigest } from '../../../protocol/digest.ts'
import type { NetworkNode } from '../../helpers/netns.ts'
import { run } from '../../helpers/process.ts'
import { writeContainersConfig } from './containers-config.ts'

/** The two manifest forms that registries hold. */
export type ManifestFormat = 'oci' | 'docker'

/** Which image to build and where to push it. */
export interface ImageInit {
  /** A node that reaches the registry. */
  readonly node: NetworkNode
  /** An empty directory for buildah. */
  readonly directory: string
  readonly registryUrl: string
  /** Repository and tag in that registry, such as `library/test:v1`. */
  readonly name: string
  readonly format: ManifestFormat
  /** Size of each layer's one file, in bytes; the content does not compress. */
  readonly layerSizesBytes: readonly number[]
  /** Decides the content. */
  readonly seed: string
}

/** An image as the registry holds it. */
export interface PushedImage {
  readonly manifestDigest: Digest
  /** The config and the layers. */
  readonly blobs: readonly { readonly digest: Digest; readonly sizeBytes: number }[]
}

/** Builds an image with buildah, one commit per layer on top of the one before, and pushes it. */
export async function buildAndPushImage(init: ImageInit): Promise<PushedImage> {
  const { node, directory, registryUrl, name, format, layerSizesBytes, seed } = init
  const { env, policyFile } = await writeContainersConfig(directory)
  const options = { namespace: node.namespace, env }
  const storage = ['--root', join(directory, 'root'), '--runroot', join(directory, 'run'), '--storage-driver', 'vfs']

  async function buildah(...args: string[]): Promise<string> {
    return (await run('buildah', [...storage, ...args], options)).stdout.trim()
  }

  let base = 'scratch'
  for (const [index, sizeBytes] of layerSizesBytes.entries()) {
    const file = join(directory, `layer-${index}`)
    await writeFile(file, incompressibleBytes(`${seed}/${index}`, sizeBytes))
    const container = await buildah('from', '--pull-never', '--signature-policy', policyFile, base)
    await buildah('add', '--quiet', container, file, `/layer-${index}`)
    const commit = [
      'commit',
      '--quiet',
      '--rm',
      '--timestamp',
      '0',
      '--format',
      format,
      '--signature-policy',
      policyFile,
    ]
    base = await buildah(...commit, container, `layers-${index + 1}`)
  }
  const target = `${new URL(registryUrl).host}/${name}`
  const push = ['push', '--quiet', '--tls-verify=false', '--format', format, '--signature-policy', policyFile]
  await buildah(...push, base, `docker://${target}`)

  const { stdout } = await run('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${target}`], options)
  return readManifest(stdout)
}

function readManifest(text: string): PushedImage {
  const { config, layers } = JSON.parse(text) as { config: Descriptor; layers: Descriptor[] }
  return {
    manifestDigest: digestOf(Buffer.from(text)),
    blobs: [config, ...layers].map(({ digest, size }) => ({ digest: parseDigest(digest), sizeBytes: size })),
  }
}

interface Descriptor {
  readonly digest: string
  readonly size: number
}

/** Bytes that look random and are always the same for one seed. */
function incompressibleBytes(seed: string, sizeBytes: number): Buffer {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes))
}
