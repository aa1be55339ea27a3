import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DockerRegistry, startDockerRegistry } from '../../test/clients/runtimes/docker-registry.ts'
import { pushGeneratedImage } from '../../test/clients/runtimes/generated-image.ts'
import { sentBytesByBlob } from '../../test/clients/runtimes/registry-log.ts'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import { createMachines, type Machines } from '../swarm/programs.ts'
import type { PreheatPlan } from './config.ts'

/** An image in the registry. */
export interface BenchImage {
  readonly repository: string
  readonly reference: string
  readonly manifestDigest: string
  /** Bytes of config and layers. */
  readonly imageBytes: number
}

/** Machines on limited links, and a docker-registry with images on one of them. */
export interface PreheatBench extends AsyncDisposable {
  readonly machines: Machines
  readonly registry: DockerRegistry
  /** What is preheated, one after the other. */
  readonly images: Readonly<Record<'first' | 'second' | 'third', BenchImage>>
  /** What one node pulls when there is nothing else to do, and while the third is preheated. */
  readonly pulled: Readonly<Record<'alone' | 'during', BenchImage>>
  /** Settings of a supernode that has the registry in Docker Hub's place. */
  readonly supernodeConfigFile: string
}

const TAG = 'v1'

/** Starts the machines and the registry, and pushes the images. */
export async function createPreheatBench(plan: PreheatPlan): Promise<PreheatBench> {
  await using starting = new AsyncDisposableStack()
  const scratch = starting.use(await createScratchDirectory())
  const machines = starting.use(await createMachines(plan))
  let directories = 0

  async function directory(name: string): Promise<string> {
    directories += 1
    const path = join(scratch.path, `${name}-${directories}`)
    await mkdir(path)
    return path
  }

  const registry = starting.use(await startDockerRegistry(machines.registry, await directory('registry')))
  const supernodeConfigFile = join(scratch.path, 'supernode.yaml')
  // JSON is YAML.
  await writeFile(supernodeConfigFile, JSON.stringify({ upstreams: { 'docker.io': { url: registry.url } } }))

  async function push(repository: string, sizeBytes: number, layers: number): Promise<BenchImage> {
    const target = { registry, registryNode: machines.registry, directory }
    const init = { repository, tag: TAG, layers, sizeBytes, seed: repository }
    const { manifestDigest, blobs } = await pushGeneratedImage(target, init)
    const imageBytes = blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0)
    return { repository, reference: TAG, manifestDigest, imageBytes }
  }

  const preheated = (repository: string) => push(repository, plan.size, plan.layers)
  const images = {
    first: await preheated('library/first'),
    second: await preheated('library/second'),
    third: await preheated('library/third'),
  }
  const pulled = {
    alone: await push('library/pulled-alone', plan.pullSize, 1),
    during: await push('library/pulled-meanwhile', plan.pullSize, 1),
  }
  const started = starting.move()
  return {
    machines,
    registry,
    images,
    pulled,
    supernodeConfigFile,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/** Blob bytes that the registry has sent so far, to whomever. */
export async function sentBytes({ registry }: PreheatBench): Promise<number> {
  return [...sentBytesByBlob(await registry.blobRequests()).values()].reduce((sum, bytes) => sum + bytes, 0)
}
