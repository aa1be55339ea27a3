import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../../../protocol/digest.ts'
import { type Content, wholeOf } from '../../../registry-mock/content.ts'
import { type GeneratedImageInit, generateImage } from '../../../registry-mock/image/generated-image.ts'
import { MemoryContentStore } from '../../../registry-mock/memory-content-store.ts'
import { Repositories } from '../../../registry-mock/repositories.ts'
import { run } from '../../helpers/process.ts'
import type { Bench } from '../bench.ts'
import { writeContainersConfig } from './containers-config.ts'
import type { DockerRegistry } from './docker-registry.ts'
import type { PushedImage } from './image.ts'

/** Where an image is pushed to. */
export type ImageTarget = Pick<Bench, 'registryNode' | 'directory'> & { readonly registry: Pick<DockerRegistry, 'url'> }

/** Generates an OCI image and pushes it to a registry: a second faster than to build one with buildah. */
export async function pushGeneratedImage(
  { registry, registryNode, directory }: ImageTarget,
  init: GeneratedImageInit,
): Promise<PushedImage> {
  const { repository, tag } = init
  const repositories = new Repositories()
  const content = new MemoryContentStore()
  const { digest, config, layers } = await generateImage({ repositories, content }, init)
  const manifest = repositories.findManifest(repository, tag)
  const path = await directory('image')
  const { env, policyFile } = await writeContainersConfig(path)
  await writeFile(join(path, 'version'), 'Directory Transport Version: 1.1\n')
  await writeFile(join(path, 'manifest.json'), manifest?.bytes ?? '')
  const blobs = [config, ...layers]
  for (const blob of blobs) await writeFile(join(path, hexOf(blob.digest)), piecesOf(content.find(blob.digest)))
  const copy = ['copy', '--quiet', '--preserve-digests', '--dest-tls-verify=false']
  const target = `docker://${new URL(registry.url).host}/${repository}:${tag}`
  await run('skopeo', ['--policy', policyFile, ...copy, `dir:${path}`, target], {
    namespace: registryNode.namespace,
    env,
  })
  return { manifestDigest: digest, blobs: blobs.map(blob => ({ digest: blob.digest, sizeBytes: blob.sizeBytes })) }
}

function piecesOf(content: Content | undefined): AsyncIterable<Uint8Array> | '' {
  return content === undefined ? '' : content.read(wholeOf(content))
}

function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}
